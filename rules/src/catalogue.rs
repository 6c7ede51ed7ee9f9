//! The catalogue (目录): kinds, code lists, policies and mappings, and the digest `cat` that names a version of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use safeharbor_core::digest::Digest;

use crate::KindId;
use crate::codes::{CodeList, CodesRefused};
use crate::file_set::{FileSet, FilesRefused};
use crate::kind::Kind;
use crate::lang::{Lang, TITLE_CHARS_MAX, is_title};
use crate::link::Keys;
use crate::load::{KindRefused, decode_kind};
use crate::property::CodeLists;
use crate::validators::Validators;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../catalogue");

/// The file that says which evaluator the catalogue is written for.
const EVALUATOR_VERSION: &str = "evaluator-version";

/// An institution's own code lists: the text of each, by the list's name.
pub type OwnLists = BTreeMap<String, Vec<u8>>;

/// A version of the catalogue, all of it checked.
pub struct Catalogue {
    files: FileSet,
    digest: Digest,
    codes: CodeLists,
    kinds: BTreeMap<KindId, Kind>,
}

/// A catalogue that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadFailed {
    /// The file `evaluator-version` is missing or is not a number.
    #[error("the catalogue has no file \"evaluator-version\" with a number")]
    EvaluatorVersion,
    /// Files that are none of a catalogue's.
    #[error(transparent)]
    Files(#[from] FilesRefused),
    /// A file of `kinds/` that is not named after a kind.
    #[error("{0:?} is not named <KIND>.json")]
    FileName(String),
    /// A kind is refused.
    #[error("kind file {path:?} is refused")]
    Kind {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: KindRefused,
    },
    /// A code list is refused.
    #[error("code list {path:?} is refused")]
    Codes {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: CodesRefused,
    },
    /// An institution's own list that replaces nothing, or a list that may not be replaced.
    #[error("{name:?} is no list an institution sets itself; those are {editable}")]
    NotEditable {
        /// The list's name.
        name: String,
        /// The names of the lists that are.
        editable: String,
    },
    /// Two kinds have one title.
    #[error("two kinds have the title {0:?}")]
    DuplicateTitle(String),
    /// A title or label that is no plain line of text.
    #[error(
        "{0:?} is no title: one line of at most {TITLE_CHARS_MAX} characters, none of which changes how others are shown"
    )]
    Title(String),
}

impl Catalogue {
    /// Loads the catalogue compiled into this program.
    ///
    /// # Errors
    /// As [`Catalogue::load`]; the tests of this crate load it, so a released program does.
    pub fn embedded() -> Result<Self, LoadFailed> {
        Self::of(embedded_files()?, &OwnLists::new())
    }

    /// Loads the catalogue compiled into this program, with the institution's own code lists, by name, in place of those
    /// that are editable. The digest stays that of the catalogue: an own list changes what the institution writes into a
    /// field, never its class or where it may go.
    ///
    /// # Errors
    /// A list that is not editable or is no code list; otherwise as [`Catalogue::load`].
    pub fn embedded_with(own: &OwnLists) -> Result<Self, LoadFailed> {
        Self::of(embedded_files()?, own)
    }

    /// Loads a catalogue from its files, by path relative to the catalogue folder with `/` between the parts.
    ///
    /// # Errors
    /// Whatever could make a record leak or two readers disagree: an annotation or keyword nobody knows, a table of
    /// classes without C3, a ceiling above the compiled one, a code list or the target of a link that does not exist, more fields than digests,
    /// two fields or kinds of one title, text that is not UTF-8.
    pub fn load(files: BTreeMap<String, Vec<u8>>) -> Result<Self, LoadFailed> {
        Self::of(FileSet::try_from(files)?, &OwnLists::new())
    }

    /// Loads a version from its files, with the institution's own code lists in place of those that are editable.
    ///
    /// # Errors
    /// As [`Catalogue::load`], and a list that is not editable or is no code list.
    pub fn of(files: FileSet, own: &OwnLists) -> Result<Self, LoadFailed> {
        check_version(&files)?;
        let mut codes = load_codes(files.files())?;
        replace_codes(&mut codes, own)?;
        let kinds = load_kinds(files.files(), &codes)?;
        check_titles(&kinds, &codes)?;
        let digest = files.digest();
        Ok(Self { files, digest, codes, kinds })
    }

    /// The digest `cat` that statements carry; see [`FileSet::digest`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The kind of that id.
    #[must_use]
    pub fn kind(&self, id: &KindId) -> Option<&Kind> {
        self.kinds.get(id)
    }

    /// Every kind, by id.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.values()
    }

    /// The code list of that name.
    #[must_use]
    pub fn codes(&self, name: &str) -> Option<&CodeList> {
        self.codes.get(name).map(AsRef::as_ref)
    }

    /// The text of `mappings/<name>.toml`.
    #[must_use]
    pub fn mapping(&self, name: &str) -> Option<&str> {
        self.text(&format!("mappings/{name}.toml"))
    }

    /// The names of all mappings.
    pub fn mappings(&self) -> impl Iterator<Item = &str> {
        self.files().keys().filter_map(|path| path.strip_prefix("mappings/")?.strip_suffix(".toml"))
    }

    /// The text of `policies/<name>.toml`: `shipped` reveals nothing, `demo` is the demonstration's.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&str> {
        self.text(&format!("policies/{name}.toml"))
    }

    /// Every file, as it is served to those who check `cat`.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        self.files.files()
    }

    /// The files as they are kept and handed on.
    #[must_use]
    pub fn file_set(&self) -> &FileSet {
        &self.files
    }

    /// Every code list, by name.
    pub(crate) fn code_lists(&self) -> &CodeLists {
        &self.codes
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.text(path)
    }
}

fn embedded_files() -> Result<FileSet, FilesRefused> {
    let mut files = BTreeMap::new();
    collect(&EMBEDDED, &mut files);
    FileSet::try_from(files)
}

fn collect(folder: &Dir<'_>, files: &mut BTreeMap<String, Vec<u8>>) {
    for file in folder.files() {
        let parts: Vec<String> =
            file.path().components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        files.insert(parts.join("/"), file.contents().to_vec());
    }
    folder.dirs().for_each(|inner| collect(inner, files));
}

fn check_version(files: &FileSet) -> Result<(), LoadFailed> {
    let version = files.text(EVALUATOR_VERSION).and_then(|text| text.trim_end().parse::<u32>().ok());
    version.map(drop).ok_or(LoadFailed::EvaluatorVersion)
}

fn load_codes(files: &BTreeMap<String, Vec<u8>>) -> Result<CodeLists, LoadFailed> {
    let mut codes = CodeLists::new();
    for (path, bytes) in files {
        let Some(name) = path.strip_prefix("codes/").and_then(|file| file.strip_suffix(".json")) else {
            continue;
        };
        let list = CodeList::decode(name, bytes);
        let list = list.map_err(|source| LoadFailed::Codes { path: path.clone(), source })?;
        codes.insert(name.to_owned(), Arc::new(list));
    }
    Ok(codes)
}

fn replace_codes(codes: &mut CodeLists, own: &OwnLists) -> Result<(), LoadFailed> {
    for (name, bytes) in own {
        if !codes.get(name).is_some_and(|list| list.is_editable()) {
            let editable = codes.values().filter(|list| list.is_editable()).map(|list| list.name());
            let editable = editable.collect::<Vec<_>>().join(", ");
            return Err(LoadFailed::NotEditable { name: name.clone(), editable });
        }
        let list = CodeList::decode_own(name, bytes);
        let list = list.map_err(|source| LoadFailed::Codes { path: format!("{name}.json"), source })?;
        codes.insert(name.clone(), Arc::new(list));
    }
    Ok(())
}

fn load_kinds(
    files: &BTreeMap<String, Vec<u8>>,
    codes: &CodeLists,
) -> Result<BTreeMap<KindId, Kind>, LoadFailed> {
    let mut kinds = BTreeMap::new();
    let mut links = Vec::new();
    let validators = Validators::default();
    for (path, bytes) in files {
        let Some(file) = path.strip_prefix("kinds/") else { continue };
        let id = file.strip_suffix(".json").and_then(|name| name.parse::<KindId>().ok());
        let id = id.ok_or_else(|| LoadFailed::FileName(path.clone()))?;
        let decoded = decode_kind(id.clone(), bytes, codes, &validators);
        let (kind, from_here) = decoded.map_err(|source| LoadFailed::Kind { path: path.clone(), source })?;
        kinds.insert(id.clone(), kind);
        links.extend(from_here.into_iter().map(|(field, link)| (path, id.clone(), field, link)));
    }
    let keys = Keys::of(kinds.values());
    for (path, id, field, link) in links {
        let Some(kind) = kinds.get_mut(&id) else { continue };
        kind.resolve_link(&field, &link, &keys).map_err(|source| LoadFailed::Kind {
            path: path.clone(),
            source: KindRefused::Link { field, source },
        })?;
    }
    Ok(kinds)
}

fn check_titles(kinds: &BTreeMap<KindId, Kind>, codes: &CodeLists) -> Result<(), LoadFailed> {
    for lang in [Lang::Zh, Lang::En] {
        let mut titles: Vec<&str> = kinds.values().map(|kind| kind.title(lang)).collect();
        titles.sort_unstable();
        if let Some([title, _]) = titles.array_windows().find(|[one, next]| one == next) {
            return Err(LoadFailed::DuplicateTitle((*title).to_owned()));
        }
        let fields = kinds.values().flat_map(Kind::fields).map(|field| field.title(lang));
        let lists = codes.values().map(|list| list.title(lang));
        let labels = codes.values().flat_map(|list| list.codes()).map(|code| code.label(lang));
        let mut all = titles.into_iter().chain(fields).chain(lists).chain(labels);
        if let Some(title) = all.find(|title| !is_title(title)) {
            return Err(LoadFailed::Title(title.to_owned()));
        }
    }
    Ok(())
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalogue({}, {} kinds)", self.digest, self.kinds.len())
    }
}
