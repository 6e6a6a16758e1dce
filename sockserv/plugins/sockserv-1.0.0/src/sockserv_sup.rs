//! The supervisor of all sessions. The node's door adds one per connection, with the port as its argument.

use pq_sdk::supervisor::{Refine, Supervisor, supervise, worker};
use pq_sdk::{InitError, Module, Restart, Shutdown, Strategy, SupSpec};

use crate::sockserv_serv::Session;

/// The module; its process is known as `sockserv_sup`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SockservSup;

impl Module for SockservSup {
    const NAME: &'static str = "sockserv_sup";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "sockserv_sup";
}

impl Supervisor for SockservSup {
    type Args = ();

    /// A session that ended has lost its client: it is not started again.
    fn init((): ()) -> Result<SupSpec, InitError> {
        let session = worker::<Session>("sockserv_serv", &())
            .restart(Restart::Temporary)
            .shutdown(Shutdown::Timeout(1_000));
        Ok(supervise(Strategy::SimpleOneForOne, 60, 3_600, [session]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_never_restarted_and_has_a_second_to_end() {
        let spec = SockservSup::init(()).unwrap();
        assert_eq!(spec.flags.strategy, Strategy::SimpleOneForOne);
        assert_eq!((spec.flags.intensity, spec.flags.period_s), (60, 3_600));
        let [session] = &spec.children[..] else {
            panic!("one kind of child: {spec:?}");
        };
        assert_eq!(session.start.module, "sockserv_serv");
        assert_eq!(session.restart, Restart::Temporary);
        assert_eq!(session.shutdown, Shutdown::Timeout(1_000));
    }
}
