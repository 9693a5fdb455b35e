//! Runs other programs, shows what they say and times them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a finished step left behind.
pub struct Done {
    /// What was done, for the summary.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Everything the program said.
    pub output: String,
    /// Whether it ended well.
    pub is_ok: bool,
}

/// Runs a program with our own input and output; an exit code other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("could not start {}", shown(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a program, passes everything it says on line by line and keeps it.
pub fn watch(name: &'static str, mut command: Command) -> Result<Done> {
    let line = shown(&command);
    eprintln!("\n== {name}\n$ {line}");
    let start = Instant::now();
    // One pipe for both outputs: test runners differ in which of them gets the summary.
    let (said, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("could not start {line}"))?;
    // The command holds the pipe's other end; the reader below would wait for it for ever.
    drop(command);
    let mut output = String::new();
    for line in BufReader::new(said).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        output.push_str(&line);
        output.push('\n');
    }
    let is_ok = child.wait()?.success();
    Ok(Done { name, took: start.elapsed(), output, is_ok })
}

/// What a program wrote to standard output, or `None` when it is not there or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command line as a person would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
