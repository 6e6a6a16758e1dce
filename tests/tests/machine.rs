//! A node as a machine runs it: under a service manager, with new settings while it runs, packaged, and with completions and
//! manual pages for people.

mod completions;
mod debian;
mod docker;
mod manual;
mod notified;
mod reread;
mod unit;
