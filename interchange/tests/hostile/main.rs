//! Files made to cost memory or to be stored by half: refused or read, within a ceiling that is measured.
//!
//! One test after the other in one function: the ceiling is of the whole process.

#[cfg(test)]
mod bombs;
#[cfg(test)]
mod measure;
#[cfg(test)]
mod streams;
#[cfg(test)]
#[path = "../import/workbook_file.rs"]
mod workbook_file;
