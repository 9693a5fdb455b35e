//! Where the data folder is when nobody says.

use std::ffi::OsString;
use std::path::PathBuf;

/// The system's place for application data, plus our name; `None` when the environment names no home.
pub fn default_data_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = if cfg!(target_os = "windows") {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library").join("Application Support"))
    } else {
        let absolute = folder("XDG_DATA_HOME").filter(|path| path.is_absolute());
        absolute.or_else(|| folder("HOME").map(|home| home.join(".local").join("share")))
    };
    base.map(|base| base.join("megarouter"))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        default_data_dir(find)
    }

    #[test]
    fn follows_the_systems_rule() {
        assert_eq!(with(&[("HOME", "/home/ada")]), Some("/home/ada/.local/share/megarouter".into()));
        assert_eq!(with(&[("HOME", "/home/ada"), ("XDG_DATA_HOME", "/data")]), Some("/data/megarouter".into()));
        assert_eq!(
            with(&[("HOME", "/home/ada"), ("XDG_DATA_HOME", "relative")]),
            Some("/home/ada/.local/share/megarouter".into())
        );
        assert_eq!(with(&[]), None);
    }
}
