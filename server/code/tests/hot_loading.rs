//! Loading, exchanging and refusing real libraries: each trap of the dynamic linker, each refusal, and the bookkeeping
//! of current and old versions.

#[path = "hot_loading/fixture.rs"]
mod fixture;
#[path = "hot_loading/host.rs"]
mod host;
#[path = "hot_loading/patch.rs"]
mod patch;
#[path = "hot_loading/support.rs"]
mod support;

#[path = "hot_loading/calls.rs"]
mod calls;
#[path = "hot_loading/growth.rs"]
mod growth;
#[path = "hot_loading/refusals.rs"]
mod refusals;
#[path = "hot_loading/traps.rs"]
mod traps;
#[path = "hot_loading/versions.rs"]
mod versions;
