use perfidy::explore::{Corpus, Failure};
#[test]
fn migrate() {
    let Some(root) = std::env::var_os("MIGRATE") else { return };
    let root = std::path::PathBuf::from(root);
    for file in Corpus::new(&root).files().unwrap() {
        let text = std::fs::read_to_string(&file).unwrap();
        let failure = Failure::read(&file).unwrap_or_else(|bad| panic!("{bad}"));
        if failure.is_renamed() {
            println!("RENAMED {}", file.display());
            continue;
        }
        std::fs::remove_file(&file).unwrap();
        match Corpus::new(&root).save(&failure.saved) {
            Ok(place) => println!("{} -> {place:?}", file.display()),
            Err(error) => {
                println!("NOT {error}");
                std::fs::write(&file, text).unwrap();
            }
        }
    }
}
