//! Packs the lines in `data/` into the one compressed file that is embedded.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=data");
    let data = Path::new("data");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    writeln!(encoder, "{}", fs::read_to_string(data.join("sources.json"))?.replace('\n', " ").trim())?;
    for file in files(&data.join("models"))? {
        encoder.write_all(&fs::read(file)?)?;
    }
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(folder.join("catalogue.gz"), encoder.finish()?)
}

/// Sorted, so that the same lines give the same bytes.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.map(|entry| entry.map(|it| it.path())).collect();
    let mut files: Vec<PathBuf> =
        entries?.into_iter().filter(|path| path.extension().is_some_and(|it| it == "jsonl")).collect();
    files.sort();
    Ok(files)
}
