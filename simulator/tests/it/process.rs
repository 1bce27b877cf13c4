//! The binary as a process that serves.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

/// Two resources whose ports are chosen at start; a token every 20 ms.
const CONFIG: &str = r#"
version = 1
[[deployments]]
name = "chat"
model = "gpt-4o"
tpm = 1_000_000
latency = { profile = "payg-gpt-4o", overhead_ms = 0, base_ms = 0, itl_ms = 20, tail_probability = 0 }
[[resources]]
name = "one"
port = 0
keys = ["k1"]
[[resources]]
name = "two"
port = 0
keys = ["k1"]
"#;
/// All variables of options, empty.
const EMPTY: [&str; 7] = ["CONFIG", "RESOURCES", "HOST", "SEED", "DRAIN", "LOG", "LOG_FORMAT"];

struct Files {
    folder: TempDir,
}

impl Files {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("simulator.toml"), config).unwrap();
        Self { folder }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }
}

/// A simulator that has said it is ready; killed when dropped.
struct Process {
    child: Child,
    /// Kept open: a log nobody reads would end the process.
    _stderr: BufReader<ChildStderr>,
    /// Name and address of each resource it serves.
    served: Vec<(String, SocketAddr)>,
}

impl Process {
    fn start(mut command: Command, resources: usize) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut served, mut all) = (Vec::new(), String::new());
        while served.len() < resources {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "ended early: {all}");
            if let Some((name, address)) = line.split_once("  http://") {
                served.push((name.to_owned(), address.trim().parse().unwrap()));
            }
            all.push_str(&line);
        }
        Self { child, _stderr: stderr, served }
    }

    fn names(&self) -> Vec<&str> {
        self.served.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn both() -> &'static [&'static str] {
    &["one", "two"]
}

#[test]
fn empty_variables_count_as_unset() {
    let files = Files::new(CONFIG);
    let mut command = files.command(&["--config", "simulator.toml", "--log", "off"]);
    command.envs(EMPTY.map(|name| (format!("SIMULATOR_{name}"), "")));
    assert_eq!(Process::start(command, 2).names(), both());
}

#[test]
fn some_resources_are_served_and_the_others_are_not() {
    let files = Files::new(CONFIG);
    let options = ["--config", "simulator.toml", "--log", "off", "--resource", "two"];
    assert_eq!(Process::start(files.command(&options), 1).names(), ["two"]);
    let mut command = files.command(&[]);
    command.envs([
        ("SIMULATOR_CONFIG", "simulator.toml"),
        ("SIMULATOR_LOG", "off"),
        ("SIMULATOR_RESOURCES", "two, one"),
    ]);
    assert_eq!(Process::start(command, 2).names(), both(), "in the file's order");
}
