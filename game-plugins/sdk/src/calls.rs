//! The list of functions in other modules that a module calls at their current version.
//!
//! The dependencies in an appup come from the list of calls in a library's manifest. [`crate::calls!`] makes both the `static`
//! that is called and its entry in the list from one line. So a call without an entry does not compile, and the compiler
//! reports an entry without a call as dead code.

/// The name of a function in lower case, from the name of its `static`.
#[doc(hidden)]
pub const fn lowercase<const N: usize>(name: &str) -> [u8; N] {
    let mut lower = [0; N];
    let mut at = 0;
    while at < N {
        lower[at] = name.as_bytes()[at].to_ascii_lowercase();
        at += 1;
    }
    lower
}

/// The bytes of a name as text.
#[doc(hidden)]
pub const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("a name in lower case is valid UTF-8"),
    }
}

/// The number of arguments of a function as text.
#[doc(hidden)]
pub const fn arity<A: crate::export::Args>() -> &'static str {
    ["0", "1", "2", "3", "4", "5"][A::ARITY as usize]
}

/// Names the functions that a module calls, and makes `CALLS`, the list for its
/// [`Module::CALLS`](crate::Module::CALLS).
///
/// A line contains the path of a [`Function`](crate::Function) that this crate knows; by custom the `static` has the name
/// of the function in capitals. A line with `remote` contains the name of a function in another library.
///
/// ```
/// mod dice {
///     pub static ROLL: pq_sdk::Function<(u32,), u32> = pq_sdk::Function::new("dice", "roll", |_, (sides,)| sides);
/// }
///
/// pq_sdk::calls! {
///     static ROLL: fn(u32) -> u32 = dice::ROLL;
///     remote static NOTE: fn(String, u32) -> () = journal::note;
/// }
///
/// fn two_dice(ctx: &mut pq_sdk::Ctx<'_>) -> u32 {
///     let sum = ROLL.call(ctx, (6,)) + ROLL.call(ctx, (6,));
///     NOTE.call(ctx, ("rolled".to_string(), sum));
///     sum
/// }
///
/// assert_eq!(CALLS, ["dice:roll/1", "journal:note/2"]);
/// ```
#[macro_export]
macro_rules! calls {
    (
        $(static $name:ident: fn($($arg:ty),* $(,)?) -> $result:ty = $module:ident::$function:ident;)*
        $(remote static $far:ident: fn($($far_arg:ty),* $(,)?) -> $far_result:ty = $far_module:ident::$far_function:ident;)*
    ) => {
        $(static $name: &$crate::Function<($($arg,)*), $result> = &$module::$function;)*

        $(static $far: $crate::Remote<($($far_arg,)*), $far_result> =
            $crate::Remote::new(stringify!($far_module), stringify!($far_function));)*

        /// The names of the functions above in the manifest.
        const CALLS: &[&str] = &[
            $({
                const NAME: &str = stringify!($function);
                const LOWER: [u8; NAME.len()] = $crate::calls::lowercase(NAME);
                $crate::constcat::concat!(
                    stringify!($module), ":", $crate::calls::text(&LOWER), "/", $crate::calls::arity::<($($arg,)*)>(),
                )
            },)*
            $($crate::constcat::concat!(
                stringify!($far_module), ":", stringify!($far_function), "/", $crate::calls::arity::<($($far_arg,)*)>(),
            ),)*
        ];
    };
}
