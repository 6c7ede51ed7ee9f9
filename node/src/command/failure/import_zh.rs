//! In Chinese: why a file or a mapping is refused as a whole, and what to do; causes that only an engineer understands stay in English.

use safeharbor_interchange::import::{
    DetectFailed, FILE_BYTES_MAX, ImportFailed, ImportFault, MappingFailed, MappingFault, MissingColumn,
    ReadRowsFailed, WorkbookFailed,
};

use crate::speech::chain_of;

/// What is said of a file of which nothing was imported.
pub(super) fn import_zh(failed: &ImportFailed) -> String {
    let ImportFailed { file, reason } = failed;
    match reason {
        ImportFault::Sink(_) | ImportFault::SinkAnswer { .. } => {
            format!("{file} 未能全部导入：{}。已保存的行不会丢失，再导入一次即可续上", fault_zh(reason))
        }
        ImportFault::Rejects(_)
        | ImportFault::Open(_)
        | ImportFault::Detect(_)
        | ImportFault::Rows(_)
        | ImportFault::Mapping(_)
        | ImportFault::Empty
        | ImportFault::NoHeader { .. }
        | ImportFault::NotAHeader { .. }
        | ImportFault::Unrecognised { .. }
        | ImportFault::MissingColumn(_) => format!("未导入任何内容：{file}：{}", fault_zh(reason)),
    }
}

/// Why a file cannot be read as records.
pub(super) fn fault_zh(fault: &ImportFault) -> String {
    match fault {
        ImportFault::Open(failed) => format!("文件打不开（{failed}）"),
        ImportFault::Detect(failed) => detect_zh(failed),
        ImportFault::Rows(failed) => rows_zh(failed),
        ImportFault::Mapping(failed) => mapping_zh(failed),
        ImportFault::Empty => "文件是空的".to_owned(),
        ImportFault::NoHeader { row } => {
            format!("第 {row} 行应为表头，但该行为空或不存在；请在映射文件中设置 header_row")
        }
        ImportFault::NotAHeader { row, field, wanted } => {
            format!("第 {row} 行不像表头：字段 {field} 需要列“{wanted}”；请核对映射文件中的 header_row")
        }
        ImportFault::Unrecognised { candidates } => {
            let nearest =
                if candidates.is_empty() { String::new() } else { format!("（最接近：{candidates}）") };
            format!(
                "第 1 行的表头不属于任何类别，或属于多个类别{nearest}；请用 --kind 指明类别，用 template 取模板填写，或用 mapping draft 起草映射文件"
            )
        }
        ImportFault::MissingColumn(MissingColumn { field, wanted, nearest, found }) => {
            format!("字段 {field} 需要列“{wanted}”，文件中没有；最接近的是“{nearest}”，表头为：{found}")
        }
        ImportFault::Rejects(failed) => format!("拒收行文件写不出（{failed}）；用 --rejects 另指一个文件"),
        ImportFault::Sink(failed) => format!("存储出错（{}）", chain_of(&**failed)),
        ImportFault::SinkAnswer { .. } => chain_of(fault),
    }
}

fn detect_zh(failed: &DetectFailed) -> String {
    match failed {
        DetectFailed::Read(failed) => format!("文件读不出（{failed}）"),
        DetectFailed::TooLarge { bytes } => {
            format!("文件有 {bytes} 字节，超过上限 {FILE_BYTES_MAX}；请拆分后再导入")
        }
        DetectFailed::Nul { line, .. } => {
            format!("第 {line} 行（物理行）含有空字节：不是文本文件或已损坏；请另存为“CSV UTF-8”")
        }
        DetectFailed::Mixed { line } => format!(
            "第 {line} 行（物理行）是 UTF-8，其他行不是：文件由两种编码拼接而成；请分别另存为“CSV UTF-8”后再合并"
        ),
        DetectFailed::Malformed { encoding, line, .. } => format!(
            "第 {line} 行（物理行）不符合编码 {encoding}：编码不对，或文件在此处损坏；请另存为“CSV UTF-8”，或用 --encoding 指明编码"
        ),
        DetectFailed::Unclear { guess } => {
            format!("编码无法确定（像是 {guess}）；请另存为“CSV UTF-8”，确知编码时用 --encoding 指明")
        }
        DetectFailed::Contradicted { marked, forced } => {
            format!("文件带有 {marked} 标记，却指定了 {forced}；编码请保持自动")
        }
        DetectFailed::NotText { .. } => chain_of(failed),
    }
}

fn rows_zh(failed: &ReadRowsFailed) -> String {
    match failed {
        ReadRowsFailed::Read(failed) => format!("文件读不出（{failed}）"),
        ReadRowsFailed::Changed => "读取期间文件被改动；请在无人写入时再导入".to_owned(),
        ReadRowsFailed::TooManyColumns { row, .. } => format!("第 {row} 行的列数过多；请核对分隔符"),
        ReadRowsFailed::CellTooLong { row, .. } => {
            format!("第 {row} 行有单元格超过 1 MiB 或整行超过 16 MiB；请检查英文引号是否多了或少了一个")
        }
        ReadRowsFailed::UnclosedQuote { row, .. } => {
            format!("第 {row} 行的英文引号没有结束：文件被截断，或多了一个引号")
        }
        ReadRowsFailed::NotAnObject { row, .. } => {
            format!("第 {row} 行不是一个 JSON 对象；每行只能有一个 {{…}}")
        }
        ReadRowsFailed::Disordered { row } => {
            format!("第 {row} 行次序错乱或同一列出现两次；请用 Excel 或 WPS 打开后另存")
        }
        ReadRowsFailed::Workbook(failed) => workbook_zh(failed),
        ReadRowsFailed::Metadata(_) => chain_of(failed),
    }
}

fn workbook_zh(failed: &WorkbookFailed) -> String {
    match failed {
        WorkbookFailed::Damaged { .. } | WorkbookFailed::Malformed { .. } => {
            "工作簿已损坏；请用 Excel 或 WPS 打开后另存".to_owned()
        }
        WorkbookFailed::Entities { part } => {
            format!("工作簿的部件 {part} 声明或使用了实体，表格软件不会这样写：该文件不可信")
        }
        WorkbookFailed::TooLarge { limit, .. } => {
            format!("工作簿内容超过上限（{limit}）；请把该表另存为“CSV UTF-8”后导入")
        }
        WorkbookFailed::Encrypted => "工作簿有密码保护；请去掉密码后另存".to_owned(),
        WorkbookFailed::TooOld => "工作簿是 Excel 95 或更早的格式；请另存为 .xlsx".to_owned(),
        WorkbookFailed::NoSheet { wanted, found } => {
            format!("工作簿中没有工作表 {wanted}；已有：{found}；请在映射文件中设置 sheet")
        }
    }
}

/// What is wrong with a mapping file, and on which line.
pub(super) fn mapping_zh(failed: &MappingFailed) -> String {
    match failed {
        MappingFailed::Read { path, source } => format!("映射文件 {} 读不出（{source}）", path.display()),
        MappingFailed::TooLarge => "映射文件过大".to_owned(),
        MappingFailed::Shape { line, message } => {
            format!("映射文件第 {line} 行写法有误：{message}；各项设置见 docs/mapping.md")
        }
        MappingFailed::Refused { line, place, fault } => {
            format!("映射文件第 {line} 行，{place}：{}", mapping_fault_zh(fault))
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others have no words of their own")]
fn mapping_fault_zh(fault: &MappingFault) -> String {
    match fault {
        MappingFault::Encoding => {
            "encoding 可为 auto、utf-8、gb18030、gbk、utf-16le、utf-16be、cp1252".to_owned()
        }
        MappingFault::Delimiter => "delimiter 可为 auto、“,”、“;”、“|”、tab".to_owned(),
        MappingFault::HeaderRow => "行号从 1 起，与表格软件所示相同".to_owned(),
        MappingFault::FilledTwice => "该字段既取自一列又有固定值；请只留一个".to_owned(),
        MappingFault::NoSource => "from 没有写列名".to_owned(),
        MappingFault::KeyNotFilled => "主键字段没有来源；请为它写 from".to_owned(),
        MappingFault::UnknownField { kind, nearest } => {
            format!("类别 {kind} 没有这个字段；最接近的是 {nearest}（用 kind {kind} 查看全部字段）")
        }
        MappingFault::OtherKind(kind) => format!("映射文件属于另一类别，正在导入的是 {kind}"),
        MappingFault::NotApplicable { setting, .. } => format!("{setting} 不适用于该字段"),
        MappingFault::Unit(units) => format!("unit 可为：{units}"),
        MappingFault::UnitMissing => {
            "该字段是金额，请写明该列的单位，例如 unit = \"万元\" 或 unit = \"元\"".to_owned()
        }
        MappingFault::ShareUnitMissing => "该字段是比例，请写明该列的单位，例如 unit = \"%\"".to_owned(),
        MappingFault::Code { code, known } => format!("“{code}”不在代码表中；可用：{known}"),
        MappingFault::GateOverruled(column) => {
            format!("文件有列“{column}”：请用 from 读取该列，固定值会盖过它")
        }
        MappingFault::GateOpened(text) => format!("“{text}”不能算作公开"),
        MappingFault::GateText(setting) => format!("此处不能写 {setting}：有关密级的内容按原文读取"),
        MappingFault::Derived(source) => format!("该字段由 {source} 自动得出；请填写 {source}"),
        _ => chain_of(fault),
    }
}
