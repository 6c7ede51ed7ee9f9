//! What a connector's declaration says: a TOML file that a person writes, read once when the connector is added.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use safeharbor_interchange::metadata::MetadataFormat;
use serde::{Deserialize, Serialize};

use super::web::{is_acceptable_address, is_loopback};

/// The shortest time between two runs: repositories are other people's machines.
const EVERY_MIN: Duration = Duration::from_mins(1);
const EVERY_MAX: Duration = Duration::from_hours(24 * 31);

/// A declaration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ParseDeclarationFailed {
    /// Not TOML, or a key that is not known.
    #[error("the declaration is not of the form it has to be: {0}")]
    Shape(String),
    /// No source, or several.
    #[error(
        "the declaration has exactly one of the sections [oai-pmh], [folder] and [postgresql]; this one has {0}"
    )]
    Sources(usize),
    /// No time between runs.
    #[error("`every` is a number and m, h or d, from 1m to 31d: every = \"6h\"")]
    Every,
    /// An address that is not taken.
    #[error("the address must begin with https:// (http:// only on this machine, or with allow_http = true)")]
    Address,
    /// Records in a format that is not read.
    #[error("metadata_prefix {0:?} is not read; use \"oai_dc\" or \"cerif_openaire\"")]
    Prefix(String),
    /// No mapping.
    #[error("the declaration needs mapping = \"…\": which column becomes which field")]
    Mapping,
    /// A name or password where everybody who may list connectors sees it.
    #[error("the address of a proxy holds no name and password")]
    Userinfo,
    /// A path that depends on where a program was started.
    #[error("{0} must be an absolute path")]
    Relative(&'static str),
}

/// A declaration, complete and free of contradictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Where records come from.
    pub source: Source,
    /// The mapping file, as written; relative to the declaration. Files of a watched folder may do without.
    pub mapping: Option<PathBuf>,
    /// How often to look; only when somebody asks for it, if it does not say.
    pub every: Option<Every>,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A repository that speaks OAI-PMH 2.0.
    OaiPmh(OaiSource),
    /// A folder that people put files into.
    Folder(FolderSource),
    /// A PostgreSQL database.
    Postgresql(PostgresqlSource),
}

/// What one SELECT gives in a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresqlSource {
    /// The server's name, or the folder of its socket.
    pub host: String,
    /// Its port.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// As whom to read.
    pub user: String,
    /// A file (mode 0600) with the password on one line; none where the server asks for none.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the operating system's.
    pub ca_file: Option<PathBuf>,
    /// The query; its columns are the headers that the mapping names.
    pub select: String,
    /// A column that only grows, such as a time of change: later runs read from its highest value on.
    pub newer: Option<String>,
}

const fn default_port() -> u16 {
    5432
}

impl PostgresqlSource {
    /// Whether the server is on this machine, so that nothing of it crosses a network.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.host.starts_with('/') || is_loopback(&self.host)
    }
}

/// A folder that people put files into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderSource {
    /// Where it is.
    pub path: PathBuf,
}

/// A repository that speaks OAI-PMH 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OaiSource {
    /// The address of its OAI-PMH interface.
    pub url: String,
    /// In which format to ask for records.
    #[serde(default = "default_prefix")]
    pub metadata_prefix: String,
    /// Only the records of this set.
    pub set: Option<String>,
    /// Whether to list headers and get record by record: for repositories whose `ListRecords` does not work.
    #[serde(default)]
    pub record_by_record: bool,
    /// Certificates (PEM) to trust instead of the operating system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy, `http://host:port`.
    pub proxy: Option<String>,
    /// Whether an address without TLS is taken on another machine.
    #[serde(default)]
    pub allow_http: bool,
}

fn default_prefix() -> String {
    "oai_dc".to_owned()
}

impl OaiSource {
    /// The format of the records.
    #[must_use]
    pub fn format(&self) -> Option<MetadataFormat> {
        MetadataFormat::of_prefix(&self.metadata_prefix)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DeclarationFile {
    mapping: Option<PathBuf>,
    every: Option<String>,
    oai_pmh: Option<OaiSource>,
    folder: Option<FolderSource>,
    postgresql: Option<PostgresqlSource>,
}

impl FromStr for Declaration {
    type Err = ParseDeclarationFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let file: DeclarationFile =
            toml::from_str(text).map_err(|error| ParseDeclarationFailed::Shape(error.to_string()))?;
        let every = file.every.map(|every| every.parse()).transpose()?;
        let oai = file.oai_pmh.map(Source::OaiPmh);
        let database = file.postgresql.map(Source::Postgresql);
        let declared = [oai, file.folder.map(Source::Folder), database];
        let mut sources: Vec<Source> = declared.into_iter().flatten().collect();
        let count = sources.len();
        match (sources.pop(), count) {
            (Some(source), 1) => {
                verify(&source)?;
                if file.mapping.is_none() && !matches!(source, Source::Folder(_)) {
                    return Err(ParseDeclarationFailed::Mapping);
                }
                Ok(Self { source, mapping: file.mapping, every })
            }
            _ => Err(ParseDeclarationFailed::Sources(count)),
        }
    }
}

fn verify(source: &Source) -> Result<(), ParseDeclarationFailed> {
    match source {
        Source::OaiPmh(oai) => {
            if !is_acceptable_address(&oai.url, oai.allow_http) {
                return Err(ParseDeclarationFailed::Address);
            }
            if oai.proxy.as_deref().is_some_and(has_userinfo) {
                return Err(ParseDeclarationFailed::Userinfo);
            }
            if oai.format().is_none() {
                return Err(ParseDeclarationFailed::Prefix(oai.metadata_prefix.clone()));
            }
            if oai.ca_file.as_ref().is_some_and(|path| path.is_relative()) {
                return Err(ParseDeclarationFailed::Relative("ca_file"));
            }
        }
        Source::Folder(folder) if folder.path.is_relative() => {
            return Err(ParseDeclarationFailed::Relative("path"));
        }
        Source::Folder(_) => {}
        Source::Postgresql(database) => {
            for (name, file) in [("password_file", &database.password_file), ("ca_file", &database.ca_file)] {
                if file.as_ref().is_some_and(|path| path.is_relative()) {
                    return Err(ParseDeclarationFailed::Relative(name));
                }
            }
        }
    }
    Ok(())
}

/// Whether an address has a name or password before its host (RFC 3986 section 3.2.1).
fn has_userinfo(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// The time between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Every {
    seconds: u64,
}

impl Every {
    /// In milliseconds.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.seconds.saturating_mul(1_000)
    }
}

impl FromStr for Every {
    type Err = ParseDeclarationFailed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units = [("m", 60), ("h", 3_600), ("d", 86_400)];
        let seconds = units.into_iter().find_map(|(unit, seconds)| {
            let number = text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?;
            number.checked_mul(seconds)
        });
        let fits = |seconds: &u64| (EVERY_MIN..=EVERY_MAX).contains(&Duration::from_secs(*seconds));
        seconds.filter(fits).map(|seconds| Self { seconds }).ok_or(ParseDeclarationFailed::Every)
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            seconds if seconds % 86_400 == 0 => write!(f, "{}d", seconds / 86_400),
            seconds if seconds % 3_600 == 0 => write!(f, "{}h", seconds / 3_600),
            seconds => write!(f, "{}m", seconds / 60),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OaiPmh(oai) => {
                // Behind a question mark there may be a key.
                let (address, behind) =
                    oai.url.split_once('?').map_or((oai.url.as_str(), ""), |(a, _)| (a, "?…"));
                write!(f, "OAI-PMH {address}{behind} ({})", oai.metadata_prefix)?;
                oai.set.as_ref().map_or(Ok(()), |set| write!(f, ", set {set}"))
            }
            Self::Folder(folder) => write!(f, "{}", folder.path.display()),
            Self::Postgresql(database) => {
                let PostgresqlSource { host, port, database, user, .. } = database;
                write!(f, "PostgreSQL {user}@{host}:{port}/{database}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Declaration, ParseDeclarationFailed> {
        text.parse()
    }

    #[test]
    fn a_repository_is_declared_in_a_few_lines() {
        let declaration =
            parse("mapping = \"oai-dc.toml\"\nevery = \"6h\"\n[oai-pmh]\nurl = \"https://dspace.example.edu.cn/oai/request\"\n")
                .unwrap();
        assert_eq!(declaration.every.unwrap().to_string(), "6h");
        let Source::OaiPmh(oai) = declaration.source else { panic!("a repository") };
        assert_eq!((oai.metadata_prefix.as_str(), oai.set, oai.allow_http), ("oai_dc", None, false));
    }

    #[test]
    fn no_key_or_password_of_an_address_is_shown() {
        let with_key = "mapping = \"m.toml\"\n[oai-pmh]\nurl = \"https://example.org/oai?apikey=GEHEIM\"";
        let shown = parse(with_key).unwrap().source.to_string();
        assert!(shown.contains("https://example.org/oai?…") && !shown.contains("GEHEIM"), "{shown}");
        let proxy = "mapping = \"m.toml\"\n[oai-pmh]\nurl = \"https://e.org/oai\"\nproxy = \"http://me:secret@proxy:3128\"";
        assert!(matches!(parse(proxy), Err(ParseDeclarationFailed::Userinfo)));
        assert!(parse(&proxy.replace("me:secret@", "")).is_ok());
        assert!(parse("mapping = \"m.toml\"\n[oai-pmh]\nurl = \"https://e.org/a@b?c@d\"").is_ok());
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_reason() {
        let oai = |lines: &str| parse(&format!("mapping = \"m.toml\"\n[oai-pmh]\n{lines}\n"));
        assert!(matches!(oai("url = \"http://example.org/oai\""), Err(ParseDeclarationFailed::Address)));
        assert!(matches!(oai("url = \"ftp://example.org/\""), Err(ParseDeclarationFailed::Address)));
        assert!(oai("url = \"http://127.0.0.1:80/oai\"").is_ok());
        assert!(oai("url = \"http://example.org/oai\"\nallow_http = true").is_ok());
        let prefix = oai("url = \"https://example.org/oai\"\nmetadata_prefix = \"mods\"");
        assert!(matches!(prefix, Err(ParseDeclarationFailed::Prefix(_))));
        let relative = oai("url = \"https://example.org/oai\"\nca_file = \"ca.pem\"");
        assert!(matches!(relative, Err(ParseDeclarationFailed::Relative("ca_file"))));
        assert!(matches!(
            oai("url = \"https://example.org/\"\nverify = false"),
            Err(ParseDeclarationFailed::Shape(_))
        ));
        assert!(matches!(parse("mapping = \"m.toml\""), Err(ParseDeclarationFailed::Sources(0))));
        assert!(matches!(parse("[oai-pmh]\nurl = \"https://e.org/\""), Err(ParseDeclarationFailed::Mapping)));
        assert!(matches!(parse("[folder]\npath = \"in\""), Err(ParseDeclarationFailed::Relative("path"))));
        assert!(parse("[folder]\npath = \"/in\"").is_ok(), "files of a kind's own layout need no mapping");
        for every in ["0m", "1", "1s", "40d", "-1h", "h"] {
            let text = format!("mapping = \"m\"\nevery = \"{every}\"\n[oai-pmh]\nurl = \"https://e.org/\"");
            assert!(matches!(parse(&text), Err(ParseDeclarationFailed::Every)), "{every}");
        }
    }
}
