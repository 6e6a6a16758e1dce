//! Processes that move: copied, taken out and put in, within a node and between nodes.
//!
//! | module | subject of its tests |
//! |---|---|
//! | [`story`] | a copy in another node plays on exactly as the original |
//! | [`within`] | subtrees that leave a node and return, while others call them |
//! | [`refusals`] | all or nothing, and the sentences of errors |
//! | [`encoded`] | bytes from outside |
//! | [`versions`] | other versions, and upgrades under way |
//! | [`restarts`] | processes that come back from kept states |
//! | [`sweeps`] | copies of all subtrees below a supervisor |

#[path = "moved/company.rs"]
mod company;
#[path = "moved/desk.rs"]
mod desk;
#[path = "moved/encoded.rs"]
mod encoded;
#[path = "moved/keeper.rs"]
pub(crate) mod keeper;
#[path = "moved/refusals.rs"]
mod refusals;
#[path = "moved/restarts.rs"]
mod restarts;
#[path = "moved/stage.rs"]
mod stage;
#[path = "moved/story.rs"]
mod story;
#[path = "moved/sweeps.rs"]
mod sweeps;
#[path = "moved/versions.rs"]
mod versions;
#[path = "moved/within.rs"]
mod within;
