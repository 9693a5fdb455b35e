//! What the tests need from elsewhere: programs of the system, Python and Node packages.
//!
//! Packages are installed once into the user's cache folder, at the versions that the files in this
//! folder name. A missing program is an error that says how to install it; nothing is skipped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// The folder of this crate.
pub fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder in which downloads and installed packages stay from run to run.
pub fn cache_folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("MEGAROUTER_TEST_CACHE") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache/megarouter"),
    };
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// A system program by name; the error names the Debian package that has it.
pub fn program(name: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("`{name}` is not installed: apt-get install {package}"))
}

/// Whether this process is root.
pub fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// One of our own binaries, from the cargo target folder this test was built into.
pub fn our_binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().context("cannot find the running test")?;
    let profile = test
        .ancestors()
        .find(|folder| folder.join("deps").is_dir())
        .context("the running test is not in a cargo target folder")?;
    let binary = profile.join(name);
    ensure!(
        binary.is_file(),
        "{} is missing: build it with `cargo build --workspace --bins` first (`cargo xtask test` does)",
        binary.display()
    );
    Ok(binary)
}

/// The Python of a virtual environment with the packages of `requirements.txt`.
pub fn python() -> Result<PathBuf> {
    python_with(&crate_folder().join("requirements.txt"), "python")
}

/// The Python of a virtual environment of its own, in the cache under `name`, with the packages that
/// the file `requirements` names.
pub fn python_with(requirements: &Path, name: &str) -> Result<PathBuf> {
    let folder = cache_folder()?.join(name);
    let python = folder.join("bin/python");
    install_once(&folder, &fs::read(requirements)?, || {
        run(Command::new(program("python3", "python3-venv")?).args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))
    })?;
    Ok(python)
}

/// Installs the Node package in `tests/NAME` at its locked versions and returns its folder in the
/// cache, which also holds the package's scripts.
pub fn node_package(name: &str) -> Result<PathBuf> {
    install_node(name, &["--omit=optional"])
}

/// The same with the optional packages: those hold the programs that a package has for each system.
pub fn node_programs(name: &str) -> Result<PathBuf> {
    install_node(name, &[])
}

fn install_node(name: &str, options: &[&str]) -> Result<PathBuf> {
    let source = crate_folder().join(name);
    let folder = cache_folder()?.join(name);
    let mut content = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(&source)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    for file in &files {
        content.extend(fs::read(file)?);
    }
    install_once(&folder, &content, || {
        fs::create_dir_all(&folder)?;
        for file in &files {
            fs::copy(file, folder.join(file.file_name().context("a file has a name")?))?;
        }
        // `npm ci` refuses a lock without the optional packages of other platforms; an install obeys
        // the lock all the same.
        let mut install = Command::new(program("npm", "npm")?);
        install.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]).args(options);
        run(install.current_dir(&folder))
    })?;
    Ok(folder)
}

/// The `node` program.
pub fn node() -> Result<PathBuf> {
    program("node", "nodejs")
}

/// Runs `install` unless it ran before with the same `content`. Several tests may ask at once.
fn install_once(folder: &Path, content: &[u8], install: impl FnOnce() -> Result<()>) -> Result<()> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join(".install-lock"))?;
    lock.lock()?;
    let mark = folder.join(".installed");
    if fs::read(&mark).is_ok_and(|installed| installed == content) {
        return Ok(());
    }
    install()?;
    fs::write(&mark, content)?;
    Ok(())
}

/// Runs a command to its end; its output is the error when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs a command to its end and returns what it printed; a failure carries both outputs.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{command:?} ended with {}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}
