//! What a registration may be refused for, and nothing else: no other call of the registry can fail.

/// Why a name was not given. Nothing has changed in the registry when one of these comes back.
///
/// The first two are the book's `name_taken` and `already_named`; they say who stands in the way,
/// so that the caller need not ask again and find that the answer has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError<K, P> {
    /// Another owner has the name.
    #[error("the name is held by {holder:?}")]
    NameTaken {
        /// Who held it at the moment of the refusal.
        holder: P,
    },
    /// The owner has a name already, perhaps this very one. An owner has one name.
    #[error("the owner is already named {name:?}")]
    AlreadyNamed {
        /// The name it had at the moment of the refusal.
        name: K,
    },
    /// The owner has died. Only [`register_alive`](crate::Regis::register_alive) can tell.
    #[error("the owner is dead")]
    Dead,
}
