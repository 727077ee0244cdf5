//! ironcell: a whole 5G standalone network in one process.
//!
//! - [`cli`]: the command line.
//! - [`up`]: drives a world in real or virtual time, prints what happens, writes what was asked for.
//! - [`capture`], [`iq`]: captures of messages and of samples.
//! - [`mod@bench`]: measures the physical layer.
//! - [`lab`]: finds the cells in a recording.

mod bench;
mod capture;
mod cli;
mod iq;
mod lab;
mod print;
mod up;

fn main() -> std::process::ExitCode {
    cli::run()
}
