//! `pq apps`: the running applications, in the order of their start.

use clap::Args;
use pq_otp::Ask;
use pq_otp::RequestError;
use pq_otp::application::{AppReply, AppRequest, CONTROLLER};
use pq_protocol::answer::{Missing, Rows};
use pq_protocol::{Exit, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::Question;
use crate::client::Row;
use crate::running::RunningNode;

/// The limit for an answer of the application controller, which may be starting or stopping applications.
const TIMEOUT_MS: u64 = 5_000;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Apps {}

/// One row of the list of applications.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct App {
    /// The name of the application.
    name: String,
    /// The version of the application.
    vsn: String,
    /// The description from the `.app` file.
    description: String,
}

impl Words for Apps {
    const NAME: &'static str = "apps";
    type Answer = Rows<App>;
}

impl Question for Apps {
    fn answer(self, node: &RunningNode) -> Result<Rows<App>, Failure> {
        let reply = node
            .node()
            .asking_all()
            .applications(&AppRequest::Which, TIMEOUT_MS);
        let failed = |exit, why: String| {
            Failure::new(exit, format!("failed to list the applications: {why}"))
        };
        match reply {
            Ok(AppReply::Running(running)) => {
                Ok(Rows::of(running.into_iter().rev().map(app).collect()))
            }
            Ok(other) => Err(failed(Exit::Internal, format!("the answer was {other:?}"))),
            Err(RequestError::Stalled(why)) => Ok(noted(node, why)),
            Err(error) => Err(failed(Exit::Unknown, error.to_string())),
        }
    }
}

fn app((name, description, vsn): (String, String, String)) -> App {
    App {
        name,
        vsn,
        description,
    }
}

/// The application list that the node noted last, for a controller that does not answer in time.
fn noted(node: &RunningNode, why: String) -> Rows<App> {
    let running = node.node().applications_noted().into_iter();
    let controller = node.node().whereis(CONTROLLER);
    let shard = controller.map_or(0, |pid| usize::from(pid.shard()));
    let missing = Missing {
        shard: shard as u64,
        processes: node.living(shard),
        why,
    };
    Rows::of(running.rev().map(app).collect()).without(vec![missing])
}

impl Row for App {
    const HEADING: &[&str] = &["NAME", "VSN", "DESCRIPTION"];

    fn cells(rows: &[App]) -> Vec<Vec<String>> {
        let cells = |app: &App| vec![app.name.clone(), app.vsn.clone(), app.description.clone()];
        rows.iter().map(cells).collect()
    }
}
