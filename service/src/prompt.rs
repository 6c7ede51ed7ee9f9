//! Passwords from the person: hidden at a terminal, a line each from a pipe; never from the command line.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use zeroize::Zeroizing;

use crate::person::{Credentials, Password};
use crate::speech::Language;

/// The most bytes of a line that is no secret.
const LINE_BYTES_MAX: u64 = 4096;

/// Asks for a password.
///
/// # Errors
/// Nothing can be read.
pub fn read_password(prompt: &str) -> io::Result<Password> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).map(Password::new);
    }
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let typed = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(typed);
    Ok(Password::new(line))
}

/// Asks for a secret that is no password; hidden, at a terminal alone, and wiped on drop.
///
/// # Errors
/// Nothing can be read.
pub fn read_hidden(prompt: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

/// Asks for a line that is no secret.
///
/// # Errors
/// Nothing can be read.
pub fn read_line(prompt: &str) -> io::Result<String> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        write!(out, "{prompt}")?;
        out.flush()?;
    }
    let mut line = String::new();
    if io::stdin().lock().take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim().to_owned())
}

/// Asks for the password of somebody who says their name.
///
/// # Errors
/// Nothing can be read.
pub fn credentials(name: String, language: Language) -> io::Result<Credentials> {
    let prompt = language.pick(format!("{name} 的密码："), format!("Password of {name}: "));
    Ok(Credentials { password: read_password(&prompt)?, name })
}

/// Asks for the password of somebody new, at a terminal twice.
///
/// # Errors
/// Nothing can be read, or the two are not the same.
pub fn choose_password(name: &str, language: Language) -> io::Result<Password> {
    let prompt = language.pick(
        format!("{name} 的新密码（至少 12 个字符）："),
        format!("New password of {name} (12 characters or more): "),
    );
    let chosen = read_password(&prompt)?;
    if io::stdin().is_terminal() {
        let again = read_password(language.pick("再次输入：", "Again: "))?;
        if !chosen.is_same(&again) {
            let text = language.pick("两次输入不一致", "the two are not the same");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
    }
    Ok(chosen)
}
