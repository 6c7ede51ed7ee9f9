//! `approve`: a named person lets fields of one record leave.

use std::collections::BTreeSet;

use safeharbor_service::person::Role;

use super::credentials::authenticate;
use super::record::find;
use super::{CommandFailed, Credentials};
use crate::approval;
use crate::context::Context;
use crate::speech::{Exit, Format, Language, Speech};

pub(super) fn approve(
    context: &Context,
    typed: &str,
    fields: Vec<String>,
    by: &Credentials,
    speech: &mut Speech<'_>,
) -> Result<Exit, CommandFailed> {
    let person = authenticate(context, by, &[Role::Approver, Role::Administrator], "approve")?;
    let rec = find(context, typed)?;
    let fields: BTreeSet<String> = fields.into_iter().collect();
    let approval = approval::approve(context, rec, &fields, &person)?;
    if speech.format == Format::Json {
        speech.json(&serde_json::to_value(&approval)?)?;
        return Ok(Exit::Done);
    }
    let names = approval.fields.iter().cloned().collect::<Vec<_>>();
    speech.data(match speech.language {
        Language::Zh => format!(
            "已批准（编号 {}）：{} 将公开给枢纽。批准只能增加公开内容；此前已公开的保持公开。",
            approval.id,
            names.join("、")
        ),
        Language::En => format!(
            "approved ({}): {} will be revealed to the hub. An approval only adds; what was revealed stays revealed.",
            approval.id,
            names.join(", ")
        ),
    })?;
    Ok(Exit::Done)
}
