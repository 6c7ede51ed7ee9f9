//! The rules over the catalogue that ships: kinds, checks, plans, judgements and hostile catalogues.

#[cfg(test)]
mod ceilings;
#[cfg(test)]
mod check;
#[cfg(test)]
mod dictionary;
#[cfg(test)]
mod difference;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod own_lists;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod samples;
