//! Records of a BIFF8 stream, and numbers in them.

/// Types of records, by the names of [MS-XLS].
pub(crate) mod kind {
    pub(crate) const FORMULA: u16 = 0x0006;
    pub(crate) const EOF: u16 = 0x000A;
    pub(crate) const DATE1904: u16 = 0x0022;
    pub(crate) const FILE_PASS: u16 = 0x002F;
    pub(crate) const CONTINUE: u16 = 0x003C;
    pub(crate) const COL_INFO: u16 = 0x007D;
    pub(crate) const BOUND_SHEET: u16 = 0x0085;
    pub(crate) const MUL_RK: u16 = 0x00BD;
    pub(crate) const R_STRING: u16 = 0x00D6;
    pub(crate) const XF: u16 = 0x00E0;
    pub(crate) const SST: u16 = 0x00FC;
    pub(crate) const LABEL_SST: u16 = 0x00FD;
    pub(crate) const NUMBER: u16 = 0x0203;
    pub(crate) const LABEL: u16 = 0x0204;
    pub(crate) const BOOL_ERR: u16 = 0x0205;
    pub(crate) const STRING: u16 = 0x0207;
    pub(crate) const ROW: u16 = 0x0208;
    pub(crate) const RK: u16 = 0x027E;
    pub(crate) const FORMAT: u16 = 0x041E;
    pub(crate) const BOF: u16 = 0x0809;
}

/// One record: where it stands, what it is, what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'s> {
    pub(crate) start: usize,
    pub(crate) kind: u16,
    pub(crate) body: &'s [u8],
}

/// The records of a stream from a place on.
#[derive(Debug, Clone)]
pub(crate) struct Records<'s> {
    stream: &'s [u8],
    at: usize,
}

impl<'s> Records<'s> {
    pub(crate) fn from(stream: &'s [u8], at: usize) -> Self {
        Self { stream, at }
    }
}

impl<'s> Iterator for Records<'s> {
    type Item = Record<'s>;

    fn next(&mut self) -> Option<Record<'s>> {
        let start = self.at;
        let kind = u16_at(self.stream, start)?;
        let length = usize::from(u16_at(self.stream, start.checked_add(2)?)?);
        let body_start = start.checked_add(4)?;
        let end = body_start.checked_add(length)?;
        let body = self.stream.get(body_start..end)?;
        self.at = end;
        Some(Record { start, kind, body })
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

pub(crate) fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// A number kept in 30 bits (`RkNumber`, 2.5.217): whole or the upper half of a double, perhaps a hundredth of it.
pub(crate) fn rk_number(rk: u32) -> f64 {
    let value =
        if rk & 2 == 0 { f64::from_bits(u64::from(rk & !3) << 32) } else { f64::from(rk.cast_signed() >> 2) };
    if rk & 1 == 0 { value } else { value / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_unfold() {
        assert_eq!(rk_number(0x3FF0_0000), 1.0);
        assert_eq!(rk_number((4_111 << 2) | 2), 4_111.0);
        assert_eq!(rk_number((1_750 << 2) | 3), 17.5);
        assert_eq!(rk_number(0xFFFF_FFFE), -1.0);
    }
}
