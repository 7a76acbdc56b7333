//! Which engines a build has.

use perfidy_sim::Engine;

#[test]
fn the_native_engine_is_always_there() {
    assert_eq!(Engine::Native.available(), Ok(()));
    assert_eq!(Engine::default(), Engine::Native);
}

#[test]
fn this_repository_tests_the_madsim_engine_too() {
    // A RUSTFLAGS variable silently replaces the flags in .cargo/config.toml, and disables half of these
    // tests.
    if std::env::var_os("PERFIDY_WITHOUT_MADSIM").is_none_or(|value| value != "1")
        && let Err(missing) = Engine::Madsim.available()
    {
        panic!("{missing}; to test without it on purpose, set PERFIDY_WITHOUT_MADSIM=1");
    }
}

#[cfg(not(madsim))]
#[test]
#[should_panic(expected = "the madsim engine is not part of this build")]
fn asking_for_an_engine_that_is_not_there_says_what_to_do() {
    let config = perfidy_sim::WorldConfig::fault_free(perfidy_sim::Seed(1));
    crate::run(Engine::Madsim, &config, |_| {});
}

#[test]
fn engines_are_named_as_in_saved_seeds() {
    for engine in Engine::ALL {
        assert_eq!(engine.to_string().parse(), Ok(engine));
    }
    assert!("other".parse::<Engine>().is_err());
}
