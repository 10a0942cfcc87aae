//! The words from which names and texts are generated.

pub(crate) const FIRST_NAMES: &[&str] = &[
    "Ada", "Amara", "Ben", "Carlos", "Chen", "Dana", "Elif", "Farah", "Grace", "Hassan", "Ingrid", "Ivan", "Jamal",
    "Kenji", "Leila", "Maria", "Nadia", "Omar", "Priya", "Ravi", "Rosa", "Sam", "Tariq", "Uma", "Victor", "Wei",
    "Yusuf", "Zara",
];

/// Each contains non-ASCII characters, the last one also characters beyond the basic plane.
pub(crate) const ACCENTED_FIRST_NAMES: &[&str] =
    &["Zoë", "José", "Søren", "Łukasz", "Amélie", "Ngọc", "Şebnem", "Åsa", "Дарья", "李", "\u{20BB7}野"];

pub(crate) const LAST_NAMES: &[&str] = &[
    "Adeyemi",
    "Andersson",
    "Bauer",
    "Costa",
    "Dubois",
    "Evans",
    "Fischer",
    "García",
    "Haddad",
    "Ito",
    "Jansen",
    "Kim",
    "Lindqvist",
    "Müller",
    "Nakamura",
    "O'Neil",
    "Okafor",
    "Patel",
    "Quinn",
    "Rossi",
    "Silva",
    "Tanaka",
    "Ueda",
    "Virtanen",
    "Walsh",
    "Ximénez",
    "Yılmaz",
    "Zhang",
];

pub(crate) const NICKNAMES: &[&str] = &["Ace", "Bo", "Doc", "Kit", "Max", "Pip", "Sunny"];

pub(crate) const TEAMS: &[&str] = &[
    "Medicinal Chemistry",
    "In Vivo Pharmacology",
    "Assay Development",
    "Data Science",
    "Protein Engineering",
    "Automation",
    "Formulation",
    "Qualité et Conformité",
    "Toxicology",
    "Structural Biology",
    "Cell Line Development",
    "Operations",
];

pub(crate) const SUBJECTS: &[&str] = &[
    "Dose response",
    "Kinase panel",
    "Solubility screen",
    "Plasmid prep",
    "ELISA readout",
    "Stability at 40 °C",
    "Crystal soak",
    "Cell viability",
    "Binding affinity (µM)",
    "Batch release",
    "Synthesis route",
    "PK in rat",
];

pub(crate) const STATUSES: &[&str] =
    &["to do", "in progress", "needs review", "blocked", "in review", "complete", "failed"];

pub(crate) const FIELDS: &[&str] = &["status", "title", "due_date", "assigned_user_ids", "IC50", "description"];

pub(crate) const COMMENTS: &[&str] = &[
    "Looks good to me.",
    "Can we repeat well B7?\nThe signal is \"odd\".",
    "Path is C:\\assays\\2025\\plate 4",
    "Merci, très utile 🧪",
    "See the note above\t(second column).",
    "再現性を確認してください。",
];
