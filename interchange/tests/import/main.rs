//! Import as its callers see it: files in, checked records and problems out.

#[cfg(test)]
mod arranged;
#[cfg(test)]
mod cerif_export;
#[cfg(test)]
mod drafts;
#[cfg(test)]
mod exported;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod real_data;
#[cfg(test)]
mod rejects;
#[cfg(test)]
mod repositories;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod throughput;
#[cfg(test)]
mod without_mapping;
#[cfg(test)]
mod workbook_file;
#[cfg(test)]
mod workbooks;
