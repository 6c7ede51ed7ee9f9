//! Every text of the screen, in Chinese and English side by side.

use safeharbor_rules::Lang;

macro_rules! texts {
    ($($name:ident: $zh:literal, $en:literal;)+) => {
        /// The texts in one language.
        #[derive(Debug)]
        pub(super) struct Texts { $(pub(super) $name: &'static str,)+ }

        static ZH: Texts = Texts { $($name: $zh,)+ };
        static EN: Texts = Texts { $($name: $en,)+ };

        #[cfg(test)]
        impl Texts {
            /// Every text by its name.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }
    };
}

impl Texts {
    /// The texts in `lang`.
    pub(super) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::Zh => &ZH,
            Lang::En => &EN,
        }
    }
}

texts! {
    lang: "zh-CN", "en";
    other_lang: "en", "zh-CN";
    other_lang_name: "English", "中文";
    title: "区级枢纽一览", "Hub overview";
    marking: "内部资料", "Internal";
    marking_note: "按收到的数据计数，未作抑制处理，不得对外发布。",
        "Counts as received, not suppressed; not for publication.";
    skip: "跳到正文", "Skip to content";
    languages: "语言与刷新", "Language and refresh";
    contents: "本页内容", "On this page";
    as_of: "截至", "As of";
    beijing_time: "北京时间", "Beijing time";
    refresh: "刷新", "Refresh";
    every_on: "每 30 秒自动刷新", "Refresh every 30 s";
    every_off: "停止自动刷新", "Stop refreshing";
    as_json: "以 JSON 查看", "As JSON";

    figures: "概况", "At a glance";
    figure_institutions: "参与单位", "Institutions";
    figure_online: "在线", "online";
    figure_records: "记录", "Records";
    figure_records_note: "已披露且未撤回", "disclosed and not withdrawn";
    figure_accepted: "已接受的声明", "Statements accepted";
    figure_accepted_note: "已登记，内容合规", "logged, content in order";
    figure_refused: "内容被拒的声明", "Content refused";
    figure_refused_note: "已登记，但不计入汇总", "logged, but counted nowhere";
    figure_size: "登记簿条目", "Registry entries";

    registry: "安全港登记簿", "Registry";
    origin: "标识", "Origin";
    hub: "枢纽", "Hub";
    size: "已签发条目数", "Entries published";
    waiting: "待签发条目数", "Entries waiting";
    root: "根哈希", "Root";
    root_full: "完整值（base64）", "in full (base64)";
    registry_note: "核对时请比对完整的根哈希；同一规模下根哈希必须一致。",
        "To compare with somebody else, compare the full root: at one size there is only one.";

    institutions: "参与单位", "Institutions";
    institutions_caption: "按统一社会信用代码排列；联系时间自枢纽本次启动起记录",
        "By code; contact is known since the hub was started";
    name: "名称", "Name";
    code: "统一社会信用代码", "Code";
    kind_of_institution: "类型", "Type";
    standing: "资格", "Standing";
    standing_active: "有效", "Active";
    standing_suspended: "已暂停", "Suspended";
    standing_revoked: "已撤销", "Revoked";
    standing_alarm: "警报：邀请码或密钥另有他人持有", "Alarm: somebody else has its invitation or its key";
    in_recovery: "恢复中，待关联记录：", "In recovery, records to link:";
    stream: "连接", "Stream";
    stream_open: "在线", "Open";
    stream_closed: "断开", "Closed";
    last_contact: "最近联系（UTC）", "Last contact (UTC)";
    no_contact: "启动后未联系", "Not since start";
    last_statement: "最近登记（UTC）", "Last logged (UTC)";
    none_yet: "尚无", "None yet";
    accepted: "已接受声明", "Accepted";
    refused: "内容被拒", "Content refused";
    records: "记录数", "Records";
    total: "合计", "Total";
    no_institutions: "尚未接纳任何单位。用下面的命令接纳第一个单位后，这里会列出它的连接状态和声明数量：",
        "No institution admitted yet. Once the first one is admitted with this command, its connection and statements are listed here:";

    aggregates: "汇总", "Aggregates";
    aggregates_note: "每条已披露且未撤回的记录计一次，按其最近一次修订计入；未披露的值归入“未披露”。",
        "Every record disclosed and not withdrawn counts once, by its latest revision; values that were not revealed count as “not revealed”.";
    no_records: "尚无记录。某个单位的节点连接并送达第一份披露后，这里会按类别、单位、领域、阶段、月份和转化方式汇总。",
        "No records yet. As soon as an institution's node connects and its first disclosure arrives, records are counted here by kind, institution, field, stage, month and mode.";
    no_counts: "尚无记录；收到第一条后显示。", "No records yet; shown when the first arrives.";
    no_achievements: "尚无科技成果记录；收到第一条后显示。", "No achievements yet; shown when the first arrives.";
    no_deals: "尚无转化交易记录；收到第一条后显示。", "No deals yet; shown when the first arrives.";
    not_revealed: "未披露", "Not revealed";
    share: "占比", "Share";
    by_kind: "按记录类别", "Records by kind";
    kind: "记录类别", "Kind";
    by_institution: "按单位", "Records by institution";
    institution: "单位", "Institution";
    by_field: "科技成果：按技术领域", "Achievements by field";
    field: "技术领域", "Field";
    by_stage: "科技成果：按所处阶段", "Achievements by stage";
    stage: "所处阶段", "Stage";
    by_mode: "转化交易：按转化方式", "Deals by mode";
    mode: "转化方式", "Mode";
    by_month: "按月份", "Records by month";
    month_note: "交易按签订月份，其余按公开、授权、申请或成立的月份；没有月份的计入“未披露”。",
        "Deals by the month of signature, other records by that of publication, grant, filing or founding; those without a month count as “not revealed”.";
    year: "年份", "Year";
    months: "一月,二月,三月,四月,五月,六月,七月,八月,九月,十月,十一月,十二月",
        "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec";
    whole_year: "全年", "Year";
    bar_chart: "条形图", "Bar chart";
    column_chart: "柱形图：最近 24 个月", "Column chart: the last 24 months";
    column_chart_note: "较早的月份和未披露的记录见表。", "Earlier months and records not revealed are in the table.";
    chart_note: "数字与表格相同。最多：", "The numbers are those of the table. Largest: ";
    colon: "：", ": ";

    just_now: "刚刚", "just now";
    seconds_ago: " 秒前", " s ago";
    minutes_ago: " 分钟前", " min ago";
    hours_ago: " 小时前", " h ago";
    days_ago: " 天前", " days ago";

    not_found: "没有这个页面", "No such page";
    back: "返回一览", "Back to the overview";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_empty_and_both_languages_have_twelve_months() {
        for lang in [Lang::Zh, Lang::En] {
            let texts = Texts::of(lang);
            assert!(texts.all().iter().all(|(_, text)| !text.trim().is_empty()));
            assert_eq!(texts.months.split(',').count(), 12);
        }
    }
}
