//! Orders the applications of a release for the start.
//!
//! Depth-first search from each application in `.rel` order: the applications that it uses and includes come before it, again
//! in `.rel` order. This is the order of `systools`, and relups depend on it.

use pq_term::Atom;

use super::Member;

/// The members in start order, or the members of a circle with their versions, in OTP's order.
pub(super) fn start_order(members: Vec<Member>) -> Result<Vec<Member>, Vec<(Atom, String)>> {
    let needs = needs(&members);
    let mut walk = Walk {
        needs: &needs,
        steps: vec![Step::Ahead; members.len()],
        order: Vec::new(),
        circle: Vec::new(),
    };
    (0..members.len()).for_each(|at| walk.visit(at));
    let Walk { order, circle, .. } = walk;
    if circle.is_empty() {
        let mut members: Vec<_> = members.into_iter().map(Some).collect();
        return Ok(order
            .into_iter()
            .filter_map(|at| members[at].take())
            .collect());
    }
    let mut named: Vec<(Atom, String)> = Vec::new();
    for at in circle {
        let app = &members[at].app;
        if named.iter().all(|(name, _)| *name != app.name) {
            named.push((app.name, app.vsn.clone()));
        }
    }
    Err(named)
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Ahead,
    Entered,
    Done,
}

struct Walk<'a> {
    needs: &'a [Vec<usize>],
    steps: Vec<Step>,
    order: Vec<usize>,
    circle: Vec<usize>,
}

impl Walk<'_> {
    /// Searches from this member. The path is a list, because a long release could overflow the stack.
    fn visit(&mut self, first: usize) {
        let mut path = Vec::new();
        self.enter(first, &mut path);
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            match self.needs[at].get(*next) {
                Some(need) => {
                    *next += 1;
                    self.enter(*need, &mut path);
                }
                None => {
                    self.steps[at] = Step::Done;
                    self.order.push(at);
                    path.pop();
                }
            }
        }
    }

    /// Enters a member that was not visited yet. A member that is already on the path closes a circle.
    fn enter(&mut self, at: usize, path: &mut Vec<(usize, usize)>) {
        if self.steps[at] != Step::Ahead {
            return;
        }
        self.steps[at] = Step::Entered;
        path.push((at, 0));
        let is_back = |need: &&usize| self.steps[**need] == Step::Entered;
        let back: Vec<usize> = self.needs[at].iter().filter(is_back).copied().collect();
        if !back.is_empty() {
            self.circle.splice(0..0, std::iter::once(at).chain(back));
        }
    }
}

/// The indexes of the members that start before each member.
fn needs(members: &[Member]) -> Vec<Vec<usize>> {
    let place = |name: &Atom| members.iter().position(|member| member.app.name == *name);
    let of = |member: &Member| {
        let may_wait = |at: &usize| {
            members[*at]
                .app
                .included_applications
                .contains(&member.app.name)
        };
        // An included application may use the application that includes it: this does not order the two.
        let mut uses: Vec<_> = uses(members, member)
            .iter()
            .filter_map(place)
            .filter(|at| !may_wait(at))
            .collect();
        let mut includes: Vec<_> = member
            .app
            .included_applications
            .iter()
            .filter_map(place)
            .collect();
        uses.sort_unstable();
        includes.sort_unstable();
        uses.extend(includes);
        uses
    };
    members.iter().map(of).collect()
}

/// An application that uses an included application waits for the top application, which starts the included one.
fn uses(members: &[Member], member: &Member) -> Vec<Atom> {
    let my_top = top(members, member.app.name);
    let mut uses = member.app.applications.clone();
    for used in &member.app.applications {
        let used_top = top(members, *used);
        if *used == my_top && my_top != member.app.name {
            uses.retain(|name| name != used);
        } else if used_top != *used && used_top != my_top {
            uses.retain(|name| name != used);
            if !uses.contains(&used_top) {
                uses.push(used_top);
            }
        }
    }
    uses
}

/// The outermost application that includes this one, directly or through others. Each application is visited at most once,
/// because files may include each other in a circle.
fn top(members: &[Member], name: Atom) -> Atom {
    let includer = |name: Atom| {
        members
            .iter()
            .find(|member| member.app.included_applications.contains(&name))
    };
    let mut top = name;
    for _ in members {
        match includer(top) {
            Some(member) => top = member.app.name,
            None => break,
        }
    }
    top
}
