//! A byte-scripted server, over TCP and TLS, and its table of faults.

pub mod answers;
pub mod certificates;
pub mod fault;
pub mod faults;
mod heads;
pub mod request;
pub mod server;

pub use fault::Fault;
pub use request::Asked;
pub use server::{Carrier, Handshake, Script, Server, Step};
