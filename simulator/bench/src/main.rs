//! The tools of `scripts/bench-simulator`: load that costs little itself, the floor
//! that the simulator is held against, and a look at one deployment's long history.
//!
//! Each command prints one line of JSON.

#![expect(clippy::print_stdout, reason = "the result is for the script that started us")]

mod chat;
mod floor;
mod history;
mod http;
mod prompts;
mod streams;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answers every request with the same JSON: what HTTP alone costs.
    Floor(floor::Arguments),
    /// Sends chat requests, at a rate or as fast as they are answered.
    Chat(chat::Arguments),
    /// Opens many streams at once and compares their pace with what was asked.
    Streams(streams::Arguments),
    /// Compares requests at a deployment that admitted many before with one that did
    /// not, in process and on virtual time.
    History(history::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        // As the simulator runs: a worker for each core.
        Command::Floor(arguments) => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(floor::run(arguments)),
        Command::Chat(arguments) => one_thread(false)?.block_on(chat::run(arguments)),
        Command::Streams(arguments) => one_thread(false)?.block_on(streams::run(arguments)),
        Command::History(arguments) => one_thread(true)?.block_on(history::run(arguments)),
    }
}

fn one_thread(paused: bool) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build()
}
