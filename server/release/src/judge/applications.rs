//! Calls of `application(3)`, step by step: loaded and running applications, and their dependencies. A call without effect,
//! such as `stop` of an application that does not run, is accepted: OTP's own scripts contain such calls.

use pq_otp::application::StartType;
use pq_term::Term;

use super::finding::Finding;
use super::reach::AppCall;
use super::side::Side;
use super::tree;
use super::walk::Walk;
use super::world::Loaded;
use crate::terms;

impl Walk<'_, '_> {
    pub(super) fn application(
        &mut self,
        name: &str,
        call: &AppCall,
        instruction: &str,
    ) -> Result<(), Finding> {
        match call {
            AppCall::Load => self.load_application(name),
            AppCall::Unload => self.unload_application(name),
            AppCall::Start(start_type) | AppCall::EnsureStarted(start_type) => {
                self.start_application(name, *start_type)
            }
            AppCall::EnsureAllStarted(start_type) => self.start_all(name, *start_type, 0),
            AppCall::Stop => self.stop_application(name, instruction),
            AppCall::SetEnv(key, value) => {
                let key = (name.to_string(), key.clone());
                self.world.env.insert(key, value.clone());
                Ok(())
            }
            AppCall::UnsetEnv(key) => {
                self.world.env.remove(&(name.to_string(), key.clone()));
                Ok(())
            }
        }
    }

    pub(super) fn runs(&self, name: &str) -> bool {
        self.world
            .applications
            .get(name)
            .is_some_and(|app| app.running)
    }

    fn load_application(&mut self, name: &str) -> Result<(), Finding> {
        if self.world.applications.contains_key(name) {
            return Ok(());
        }
        let Some(app) = self.to.application(name) else {
            let why = format!("release {} has no application `{name}`", self.to.vsn);
            return Err(refused(why, "no_such_application", name));
        };
        let loaded = Loaded {
            spec: app.app.spec(),
            running: false,
            top: None,
        };
        self.world.applications.insert(name.to_string(), loaded);
        for (key, value) in &app.app.env {
            let key = (name.to_string(), key.as_str().to_string());
            self.world.env.entry(key).or_insert_with(|| value.clone());
        }
        Ok(())
    }

    fn unload_application(&mut self, name: &str) -> Result<(), Finding> {
        match self.world.applications.get(name) {
            None => self.expect_application(name),
            Some(app) if app.running => {
                let why = format!("`{name}` runs; stop it before");
                Err(refused(why, "running", name))
            }
            Some(_) => {
                self.world.applications.remove(name);
                Ok(())
            }
        }
    }

    /// Accepts a call for an application that is not loaded when one of the releases has it. Any other name is a mistake.
    fn expect_application(&self, name: &str) -> Result<(), Finding> {
        let is_known = |side: &Side| side.application(name).is_some();
        if is_known(self.to) || is_known(&(self.from)()) {
            return Ok(());
        }
        let why = format!("neither release has an application `{name}`");
        Err(refused(why, "no_such_application", name))
    }

    fn start_application(&mut self, name: &str, _: StartType) -> Result<(), Finding> {
        if self.runs(name) {
            return Ok(());
        }
        self.load_application(name)?;
        let spec = self.world.applications[name].spec.clone();
        // The other applications of the release may be missing when a single application is judged.
        let is_absent = |dep: &str| self.to.only.is_some() && self.to.application(dep).is_none();
        let mut needs = spec.applications.iter();
        if let Some(missing) = needs.find(|dep| !self.runs(dep) && !is_absent(dep)) {
            let why = format!("`{name}` needs `{missing}`, which does not run at this step");
            return Err(refused(why, "not_started", missing));
        }
        let top = tree::top(self.world, &spec)?;
        let top = match top {
            Some(branch) => Some(self.plant(&branch, None)?),
            None => None,
        };
        if let Some(loaded) = self.world.applications.get_mut(name) {
            (loaded.running, loaded.top) = (true, top);
        }
        Ok(())
    }

    fn start_all(
        &mut self,
        name: &str,
        start_type: StartType,
        depth: usize,
    ) -> Result<(), Finding> {
        if self.runs(name) {
            return Ok(());
        }
        self.load_application(name)?;
        let needs = self.world.applications[name].spec.applications.clone();
        if depth > needs.len() + self.to.applications.len() {
            return Err(refused(
                format!("`{name}` needs itself"),
                "circular_dependencies",
                name,
            ));
        }
        for need in needs {
            self.start_all(&need, start_type, depth + 1)?;
        }
        self.start_application(name, start_type)
    }

    fn stop_application(&mut self, name: &str, instruction: &str) -> Result<(), Finding> {
        let Some(loaded) = self.world.applications.get_mut(name) else {
            return self.expect_application(name);
        };
        loaded.running = false;
        if let Some(top) = loaded.top.take() {
            self.end(&[top], instruction);
        }
        Ok(())
    }
}

fn refused(why: String, word: &'static str, name: &str) -> Finding {
    Finding::new(why, terms::tagged(word, Term::string(name)))
}
