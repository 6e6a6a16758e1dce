//! `application(3)`: the loaded and running applications, their order of start, and their environments.
//!
//! ```text
//!   load ─► loaded ─ start ─► starting ─ top supervisor runs ─► running ─ stop ─► stopping ─► loaded
//!                                 └─ it does not ─► loaded                  └─ its top ends by itself ─► loaded
//! ```
//! The controller is one of the runtime's own processes. The end of an application's top is only reported when the
//! application was started as temporary, and ends the node when it was started as permanent.

use std::collections::BTreeMap;

use pq_abi::Reason;
use pq_abi::spec::{self, Start};
use pq_term::{Atom, Pid, Term};
use serde::{Deserialize, Serialize};

use crate::called::brief;
use crate::message::{Caller, Payload};
use crate::native::{Native, NativeAction, NativeCtx, NativeInput};
use crate::node::Node;
use crate::process::StartOutcome;

/// The name of the controller's process.
pub const CONTROLLER: &str = "application_controller";

/// How long an application may take to stop before its top is killed. Children have their own shutdown times
/// (5 s by default); a tree three levels deep ends well within this.
const STOP_TIMEOUT_MS: u32 = 30_000;

/// The contents of an `.app` file, as far as the runtime needs them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AppSpec {
    /// The application's name, unique in a node.
    pub name: String,
    /// The application's version, as `vsn` in the file.
    pub vsn: String,
    /// The text `description` of the file, for listings.
    pub description: String,
    /// The modules that belong to the application.
    pub modules: Vec<Atom>,
    /// The applications that must run before this one starts.
    pub applications: Vec<String>,
    /// The callback module and the argument of its `start`; `None` for a library application.
    pub callback: Option<(Atom, Term)>,
    /// The environment, as the file has it.
    pub env: Vec<(String, Term)>,
}

/// The consequence of an application's end for the node (`application:start/2`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum StartType {
    /// The end of the application ends the node.
    Permanent,
    /// The end of the application ends the node, unless the application ended in order.
    Transient,
    /// The end of the application is only reported.
    Temporary,
}

/// Settings that override those of the `.app` files: `sys.config`, and above it the command line.
pub type Settings = BTreeMap<(String, String), Term>;

/// A request to the controller.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum AppRequest {
    /// `application:load/1`: makes an application known.
    Load(AppSpec),
    /// `application:start/2`: starts a loaded application.
    Start(String, StartType),
    /// `application:stop/1`: stops a running application.
    Stop(String),
    /// `application:unload/1`: forgets an application that does not run.
    Unload(String),
    /// `application:which_applications/0`: lists the running applications.
    Which,
    /// `application:loaded_applications/0`, with all data of each application, and the settings above them.
    Data,
    /// New files are in force (`application_controller`, `change_application_data`): each loaded application in this
    /// list gets a new environment, and all its other data are replaced.
    ChangeData(Vec<AppSpec>, Settings),
}

/// The answer of the controller to an [`AppRequest`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum AppReply {
    /// The request was carried out.
    Ok,
    /// The request was refused, with OTP's reason: `{already_loaded, A}`, `{not_started, Dep}`, `{not_loaded, A}`, …
    Error(Term),
    /// Running applications, last started first: name, description, version.
    Running(Vec<(String, String, String)>),
    /// Loaded applications, last started last, and `sys.config`.
    Data(Vec<LoadedApp>, Settings),
}

/// A loaded application and its state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LoadedApp {
    /// The contents of its `.app` file.
    pub spec: AppSpec,
    /// Whether the application's tree runs.
    pub running: bool,
    /// The top of the application's tree; `None` for a library application or one that does not run.
    pub top: Option<Pid>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    Loaded,
    Starting(Caller, u32),
    Running(Pid),
    /// The top, the caller that waits for the stop, and the number of the stop's timeout.
    Stopping(Pid, Option<Caller>, u32),
}

struct App {
    spec: AppSpec,
    start_type: StartType,
    status: Status,
}

/// Called with the application and the reason when the end of an application must end the node.
pub type OnEnd = Box<dyn Fn(&str, &Reason) + Send>;

/// The application controller (`application_controller`): one process per node.
pub struct Controller {
    /// The applications, in the order of their start.
    apps: Vec<App>,
    sys_config: Settings,
    command_line: Settings,
    on_end: OnEnd,
    tickets: u32,
}

impl Controller {
    /// Makes a controller with settings that override the files; `on_end` is called when a permanent application ends.
    pub fn new(sys_config: Settings, command_line: Settings, on_end: OnEnd) -> Controller {
        Controller {
            apps: Vec::new(),
            sys_config,
            command_line,
            on_end,
            tickets: 0,
        }
    }

    fn request(&mut self, from: Caller, data: &Payload, ctx: &mut NativeCtx<'_>) {
        let reply = match spec::decode(data) {
            Ok(AppRequest::Load(spec)) => self.load(spec, ctx.node),
            Ok(AppRequest::Start(name, start_type)) => {
                match self.start(from, &name, start_type, ctx) {
                    Ok(()) => return,
                    Err(reply) => reply,
                }
            }
            Ok(AppRequest::Stop(name)) => match self.stop(Some(from), &name, ctx) {
                Ok(()) => return,
                Err(reply) => reply,
            },
            Ok(AppRequest::Unload(name)) => self.unload(&name, ctx.node),
            Ok(AppRequest::Which) => AppReply::Running(self.running()),
            Ok(AppRequest::Data) => self.data(ctx.pid),
            Ok(AppRequest::ChangeData(specs, sys_config)) => {
                self.change_data(specs, sys_config, ctx.node)
            }
            Err(error) => AppReply::Error(Term::tuple([
                Term::atom("bad_request"),
                Term::string(error),
            ])),
        };
        answer(from, &reply, ctx);
    }

    /// Loads an application. Its environment is the file's, overridden by `sys.config`, and that by the command line
    /// (`application(3)`, `get_env/2`).
    fn load(&mut self, spec: AppSpec, node: &Node) -> AppReply {
        if self.position(&spec.name).is_some() {
            return refuse("already_loaded", &spec.name);
        }
        node.replace_env(&spec.name, self.env_of(&spec));
        self.apps.push(App {
            spec,
            start_type: StartType::Temporary,
            status: Status::Loaded,
        });
        AppReply::Ok
    }

    /// The environment of an application according to the files and the settings.
    fn env_of(&self, spec: &AppSpec) -> BTreeMap<String, Term> {
        let mut env: BTreeMap<String, Term> = spec.env.iter().cloned().collect();
        for settings in [&self.sys_config, &self.command_line] {
            let own = settings.iter().filter(|((name, _), _)| *name == spec.name);
            env.extend(own.map(|((_, key), value)| (key.clone(), value.clone())));
        }
        env
    }

    fn unload(&mut self, name: &str, node: &Node) -> AppReply {
        match self.position(name) {
            None => refuse("not_loaded", name),
            Some(at) if self.apps[at].status != Status::Loaded => refuse("running", name),
            Some(at) => {
                self.apps.remove(at);
                node.replace_env(name, BTreeMap::new());
                AppReply::Ok
            }
        }
    }

    fn data(&self, own: Pid) -> AppReply {
        let line = |app: &App| {
            let top = match app.status {
                Status::Running(top) => Some(top),
                _ => None,
            };
            LoadedApp {
                spec: app.spec.clone(),
                running: top.is_some(),
                top: top.filter(|top| *top != own),
            }
        };
        AppReply::Data(
            self.apps.iter().map(line).collect(),
            self.sys_config.clone(),
        )
    }

    /// Values that were set while the node ran are lost, as in OTP: only the files and the command line count.
    fn change_data(&mut self, specs: Vec<AppSpec>, sys_config: Settings, node: &Node) -> AppReply {
        self.sys_config = sys_config;
        for spec in specs {
            if let Some(at) = self.position(&spec.name) {
                node.replace_env(&spec.name, self.env_of(&spec));
                self.apps[at].spec = spec;
            }
        }
        AppReply::Ok
    }

    fn start(
        &mut self,
        from: Caller,
        name: &str,
        start_type: StartType,
        ctx: &mut NativeCtx<'_>,
    ) -> Result<(), AppReply> {
        let at = self
            .position(name)
            .ok_or_else(|| refuse("not_loaded", name))?;
        if self.apps[at].status != Status::Loaded {
            return Err(refuse("already_started", name));
        }
        if let Some(missing) = self.apps[at]
            .spec
            .applications
            .iter()
            .find(|dep| !self.is_running(dep))
        {
            return Err(refuse("not_started", missing));
        }
        let mut app = self.apps.remove(at);
        app.start_type = start_type;
        let outcome = self.launch(&mut app, from, ctx);
        self.apps.push(app);
        outcome
    }

    fn launch(
        &mut self,
        app: &mut App,
        from: Caller,
        ctx: &mut NativeCtx<'_>,
    ) -> Result<(), AppReply> {
        let Some((module, args)) = &app.spec.callback else {
            app.status = Status::Running(ctx.pid);
            answer(from, &AppReply::Ok, ctx);
            return Ok(());
        };
        let args = rmp_args(args);
        let top = ctx.call(module.as_str(), "start", &args).and_then(|bytes| {
            spec::decode::<Start>(&bytes).map_err(|error| Reason::tagged("bad_return", &error))
        });
        let top = top.map_err(|reason| failed_to_start(&app.spec.name, &reason))?;
        self.tickets += 1;
        app.status = Status::Starting(from, self.tickets);
        ctx.actions.push(NativeAction::Start(self.tickets, top));
        Ok(())
    }

    fn started(&mut self, ticket: u32, outcome: StartOutcome, ctx: &mut NativeCtx<'_>) {
        let waits =
            |app: &&mut App| matches!(app.status, Status::Starting(_, waited) if waited == ticket);
        let Some(app) = self.apps.iter_mut().find(waits) else {
            return;
        };
        let Status::Starting(from, _) = app.status else {
            return;
        };
        let outcome =
            outcome.and_then(|pid| pid.ok_or_else(|| Reason::tagged("bad_return", "ignore")));
        match outcome {
            Ok(pid) => {
                app.status = Status::Running(pid);
                tracing::info!(
                    application = app.spec.name,
                    vsn = app.spec.vsn,
                    "application started"
                );
                answer(from, &AppReply::Ok, ctx);
            }
            Err(reason) => {
                app.status = Status::Loaded;
                answer(from, &failed_to_start(&app.spec.name, &reason), ctx);
            }
        }
    }

    fn stop(
        &mut self,
        from: Option<Caller>,
        name: &str,
        ctx: &mut NativeCtx<'_>,
    ) -> Result<(), AppReply> {
        let at = self
            .position(name)
            .ok_or_else(|| refuse("not_loaded", name))?;
        self.tickets += 1;
        let (app, ticket) = (&mut self.apps[at], self.tickets);
        match app.status {
            Status::Running(top) if top == ctx.pid => {
                app.status = Status::Loaded;
                from.into_iter()
                    .for_each(|from| answer(from, &AppReply::Ok, ctx));
                Ok(())
            }
            Status::Running(top) => {
                app.status = Status::Stopping(top, from, ticket);
                ctx.actions.push(NativeAction::Exit(top, Reason::Shutdown));
                ctx.actions
                    .push(NativeAction::Timer(ticket, STOP_TIMEOUT_MS));
                Ok(())
            }
            _ => Err(refuse("not_started", name)),
        }
    }

    /// Kills an application that does not stop in time.
    fn stop_timeout(&mut self, ticket: u32, ctx: &mut NativeCtx<'_>) {
        for app in &self.apps {
            match app.status {
                Status::Stopping(top, _, timed) if timed == ticket => {
                    tracing::warn!(
                        application = app.spec.name,
                        "application does not stop: killed"
                    );
                    ctx.actions.push(NativeAction::Exit(top, Reason::Kill));
                }
                _ => (),
            }
        }
    }

    fn exited(&mut self, pid: Pid, reason: &Reason, ctx: &mut NativeCtx<'_>) {
        let is_top = |app: &&mut App| matches!(app.status, Status::Running(top) | Status::Stopping(top, ..) if top == pid);
        let Some(app) = self.apps.iter_mut().find(is_top) else {
            return;
        };
        let status = std::mem::replace(&mut app.status, Status::Loaded);
        if let Some((module, _)) = &app.spec.callback {
            // The application has ended in both cases; the log has the failure of its `stop`.
            if let Err(reason) = ctx.call(module.as_str(), "stop", &[0x90]) {
                tracing::warn!(
                    application = app.spec.name,
                    reason = %brief(&reason),
                    "stop of the application failed"
                );
            }
        }
        match status {
            Status::Stopping(_, from, _) => {
                tracing::info!(application = app.spec.name, "application stopped");
                from.into_iter()
                    .for_each(|from| answer(from, &AppReply::Ok, ctx));
            }
            _ => {
                tracing::error!(application = app.spec.name, reason = %brief(reason), start_type = ?app.start_type, "application exited");
                if ends_node(app.start_type, reason) {
                    (self.on_end)(&app.spec.name, reason);
                }
            }
        }
    }

    fn running(&self) -> Vec<(String, String, String)> {
        let running = self
            .apps
            .iter()
            .rev()
            .filter(|app| matches!(app.status, Status::Running(_)));
        let line = |app: &App| {
            (
                app.spec.name.clone(),
                app.spec.description.clone(),
                app.spec.vsn.clone(),
            )
        };
        running.map(line).collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.apps.iter().position(|app| app.spec.name == name)
    }

    fn is_running(&self, name: &str) -> bool {
        self.position(name)
            .is_some_and(|at| matches!(self.apps[at].status, Status::Running(_)))
    }
}

impl Native for Controller {
    fn name(&self) -> &'static str {
        CONTROLLER
    }

    fn handle(&mut self, input: NativeInput, ctx: &mut NativeCtx<'_>) {
        match input {
            NativeInput::Call(from, data) => self.request(from, &data, ctx),
            NativeInput::Started(ticket, outcome) => self.started(ticket, outcome, ctx),
            NativeInput::Exit(pid, reason) => self.exited(pid, &reason, ctx),
            NativeInput::Timer(ticket) => self.stop_timeout(ticket, ctx),
            NativeInput::Init
            | NativeInput::Info(_)
            | NativeInput::Cast(_)
            | NativeInput::Response(..)
            | NativeInput::Stop(_) => (),
        }
        ctx.node.note_applications(self.running());
    }

    fn state(&self) -> Term {
        let line = |app: &App| {
            let status = format!("{:?}", app.status);
            Term::tuple([
                Term::string(app.spec.name.as_str()),
                Term::string(app.spec.vsn.as_str()),
                Term::string(status),
            ])
        };
        Term::list(self.apps.iter().map(line).collect::<Vec<_>>())
    }
}

fn ends_node(start_type: StartType, reason: &Reason) -> bool {
    match start_type {
        StartType::Permanent => true,
        StartType::Transient => !reason.is_orderly(),
        StartType::Temporary => false,
    }
}

fn refuse(word: &'static str, name: &str) -> AppReply {
    AppReply::Error(Term::tuple([Term::atom(word), Term::string(name)]))
}

fn failed_to_start(name: &str, reason: &Reason) -> AppReply {
    AppReply::Error(Term::tuple([
        Term::atom("failed_to_start"),
        Term::string(name),
        reason.to_term(),
    ]))
}

fn answer(to: Caller, reply: &AppReply, ctx: &mut NativeCtx<'_>) {
    ctx.actions
        .push(NativeAction::Reply(to, spec::encode(reply)));
}

/// The single argument of `start`, as an array of one.
fn rmp_args(args: &Term) -> Vec<u8> {
    let mut bytes = vec![0x91];
    bytes.extend(pq_term::msgpack::to_msgpack(args));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application in state running, with this top.
    fn running(name: &str, top: Pid) -> App {
        let spec = AppSpec {
            name: name.to_string(),
            vsn: String::new(),
            description: String::new(),
            modules: vec![],
            applications: vec![],
            callback: None,
            env: vec![],
        };
        App {
            spec,
            start_type: StartType::Temporary,
            status: Status::Running(top),
        }
    }

    struct NoModules(std::sync::atomic::AtomicU64);

    impl pq_abi::Modules for NoModules {
        fn current(&self, _: &str) -> Option<crate::Module> {
            None
        }

        fn epoch(&self) -> &std::sync::atomic::AtomicU64 {
            &self.0
        }
    }

    /// Feeds the controller one input; returns the resulting actions as text.
    fn handle(controller: &mut Controller, input: NativeInput) -> Vec<String> {
        let node = Node::new(crate::Config::new(std::sync::Arc::new(NoModules(0.into()))));
        let mut call = |_: &str, _: &str, _: &[u8]| Ok(Vec::new());
        let (pid, actions) = (Pid::new(0, 0, 1), Vec::new());
        let mut ctx = NativeCtx {
            node: &node,
            pid,
            now_ms: 0,
            actions,
            call: &mut call,
        };
        controller.handle(input, &mut ctx);
        ctx.actions
            .iter()
            .map(|action| format!("{action:?}"))
            .collect()
    }

    #[test]
    fn an_application_that_does_not_stop_is_killed_when_its_own_time_is_over() {
        let mut controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
        let (a, b) = (Pid::new(0, 7, 1), Pid::new(0, 8, 1));
        controller.apps = vec![running("a", a), running("b", b)];
        let from = Caller {
            pid: Pid::new(0, 9, 1),
            tag: 1,
        };
        let mut stop = |name: &str| {
            let request = Payload::from_vec(spec::encode(&AppRequest::Stop(name.to_string())));
            handle(&mut controller, NativeInput::Call(from, request))
        };
        let first = stop("a");
        assert!(
            first[0].contains("Shutdown") && first[1] == "Timer(1, 30000)",
            "{first:?}"
        );
        let second = stop("b");
        assert_eq!(second[1], "Timer(2, 30000)");
        assert_eq!(
            handle(&mut controller, NativeInput::Timer(1)),
            [format!("{:?}", NativeAction::Exit(a, Reason::Kill))]
        );
        let ended = handle(&mut controller, NativeInput::Exit(a, Reason::Killed));
        assert!(ended[0].starts_with("Reply("), "{ended:?}");
        assert_eq!(
            handle(&mut controller, NativeInput::Timer(1)),
            Vec::<String>::new()
        );
        assert_eq!(
            handle(&mut controller, NativeInput::Timer(2)),
            [format!("{:?}", NativeAction::Exit(b, Reason::Kill))]
        );
    }
}
