//! The rows of processes: order, filter and the selected one.

use std::cmp::Reverse;

use pq_protocol::Failure;

use crate::top::process::{Figure, Listing, Process, Query, Shape};

/// The column by which a list is sorted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::top) enum Sort {
    #[default]
    Waiting,
    Callbacks,
    Memory,
    Module,
    Name,
    Pid,
}

/// The rows of processes, and the part of them that is looked at.
#[derive(Default)]
pub(in crate::top) struct List {
    pub(in crate::top) shape: Shape,
    pub(in crate::top) sort: Sort,
    pub(in crate::top) filter: String,
    /// The place of the selected row among those that are shown.
    pub(in crate::top) selected: usize,
    listing: Listing,
    /// The reason why the rows are old; `None` when they are not.
    trouble: Option<String>,
}

impl Sort {
    fn next(self) -> Sort {
        match self {
            Sort::Waiting => Sort::Callbacks,
            Sort::Callbacks => Sort::Memory,
            Sort::Memory => Sort::Module,
            Sort::Module => Sort::Name,
            Sort::Name => Sort::Pid,
            Sort::Pid => Sort::Waiting,
        }
    }

    /// The figure that the list shows.
    pub(in crate::top) fn figure(self) -> Figure {
        match self {
            Sort::Callbacks => Figure::Callbacks,
            Sort::Memory => Figure::Memory,
            Sort::Waiting | Sort::Module | Sort::Name | Sort::Pid => Figure::Waiting,
        }
    }

    /// The name of the column for the heading of the list.
    pub(in crate::top) fn word(self) -> &'static str {
        match self {
            Sort::Waiting => "waiting messages",
            Sort::Callbacks => "callbacks per second",
            Sort::Memory => "memory in bytes",
            Sort::Module => "module",
            Sort::Name => "name",
            Sort::Pid => "pid",
        }
    }
}

impl List {
    /// The figure in the last column; a tree shows waiting messages.
    pub(in crate::top) fn figure(&self) -> Figure {
        match self.shape {
            Shape::List => self.sort.figure(),
            Shape::Tree => Figure::Waiting,
        }
    }

    /// The question whose answer this list shows.
    pub(super) fn query(&self) -> Query {
        Query {
            shape: self.shape,
            figure: self.figure(),
            containing: self.filter.clone(),
        }
    }

    /// Takes an answer. The answer to a question that is no longer asked is dropped.
    pub(super) fn take(&mut self, query: &Query, answer: Result<Listing, Failure>) {
        if *query != self.query() {
            return;
        }
        match answer {
            Ok(listing) => self.replace(listing),
            Err(failure) => self.trouble = Some(failure.sentence),
        }
    }

    fn replace(&mut self, listing: Listing) {
        self.trouble = listing.missing.clone();
        self.keep_selected(|list| list.listing = listing);
    }

    /// Changes the rows. The selected process stays selected, if its row is still there.
    fn keep_selected(&mut self, change: impl FnOnce(&mut List)) {
        let pid = self.selected().and_then(|row| row.pid.clone());
        change(self);
        self.arrange();
        let same = |row: &&Process| pid.is_some() && row.pid == pid;
        let place = self.rows().iter().position(same);
        self.selected = place.unwrap_or(self.selected);
        self.move_by(0);
    }

    fn arrange(&mut self) {
        let rows = &mut self.listing.rows;
        match (self.shape, self.sort) {
            (Shape::Tree, _) => (),
            (Shape::List, sort @ (Sort::Waiting | Sort::Callbacks | Sort::Memory)) => {
                rows.sort_by_key(|row| Reverse(row.value(sort.figure())));
            }
            (Shape::List, Sort::Module) => rows.sort_by(|a, b| a.module.cmp(&b.module)),
            // Processes without a name come last.
            (Shape::List, Sort::Name) => {
                rows.sort_by(|a, b| {
                    (a.name.is_empty(), &a.name).cmp(&(b.name.is_empty(), &b.name))
                });
            }
            (Shape::List, Sort::Pid) => rows.sort_by_key(|row| number(row.pid.as_deref())),
        }
    }

    /// The rows that the filter leaves.
    pub(in crate::top) fn rows(&self) -> Vec<&Process> {
        let wanted = |row: &&Process| self.filter.is_empty() || row.contains(&self.filter);
        self.listing.rows.iter().filter(wanted).collect()
    }

    /// The number of processes for which the node has sent no row.
    pub(in crate::top) fn more(&self) -> u64 {
        self.listing.more
    }

    /// The reason why rows are old or missing.
    pub(in crate::top) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The row that orders are about.
    pub(super) fn selected(&self) -> Option<&Process> {
        self.rows().get(self.selected).copied()
    }

    /// Moves the selection, at most to the first or the last row.
    pub(super) fn move_by(&mut self, rows: isize) {
        let last = self.rows().len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(rows).min(last);
    }

    /// Sorts by the next column.
    pub(super) fn sort_next(&mut self) {
        self.keep_selected(|list| list.sort = list.sort.next());
    }

    /// Shows a tree instead of a list, or the reverse. The rows come with the next answer.
    pub(super) fn reshape(&mut self) {
        self.shape = match self.shape {
            Shape::List => Shape::Tree,
            Shape::Tree => Shape::List,
        };
        self.listing = Listing::default();
        self.trouble = None;
        self.selected = 0;
    }

    /// Changes the filter, which holds at once for the rows that are there.
    pub(super) fn refilter(&mut self, change: impl FnOnce(&mut String)) {
        self.keep_selected(|list| change(&mut list.filter));
    }
}

/// The numbers of a pid, so that `<0.9.0>` comes before `<0.10.0>`.
fn number(pid: Option<&str>) -> Vec<u64> {
    let pid = pid.unwrap_or_default();
    let numbers = pid.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}
