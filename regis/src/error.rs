//! The errors of a registration. No other call of the registry can fail.

/// Reasons why a name was not registered. The registry is unchanged after each of these errors.
///
/// The first two are the book's `name_taken` and `already_named`. They contain the obstacle, so the caller need not ask
/// again and perhaps get a different answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError<K, P> {
    /// Another owner has the name.
    #[error("the name is held by {holder:?}")]
    NameTaken {
        /// The holder at the moment of the refusal.
        holder: P,
    },
    /// The owner already has a name, possibly this one. An owner has one name.
    #[error("the owner is already named {name:?}")]
    AlreadyNamed {
        /// The owner's name at the moment of the refusal.
        name: K,
    },
    /// The owner has died. Only [`register_alive`](crate::Regis::register_alive) can detect that.
    #[error("the owner is dead")]
    Dead,
}
