"""Which tests need TensorFlow: whole modules, or single tests of one."""

from importlib.util import find_spec

import pytest

TENSORFLOW = {
    "test_networks",
    "test_training_command",
    "test_training_resume",
    "test_cli_run::test_verify_compares_with_tensorflow",
    "test_models_keras2::test_models_without_their_code_are_refused",
    "test_models_keras2::test_other_layers_run_on_tensorflow",
    "test_models_keras2::test_programs_run_when_they_are_trusted",
    "test_training_data::test_a_failed_download_of_fashion_mnist_names_it",
    "test_training_data::test_a_failed_download_says_what_to_do",
    "test_training_data::test_fashion_mnist_is_downloaded_with_its_class_names",
    "test_training_data::test_the_download_is_taken_as_keras_returns_it",
    "test_training_run::test_a_missing_tensorboard_is_named_before_training",
    "test_training_run::test_a_training_is_kept_when_its_evaluation_fails",
    "test_training_run::test_a_training_is_saved_with_its_card_and_history",
    "test_training_run::test_ctrl_c_in_the_first_epoch_stops",
    "test_training_run::test_ctrl_c_keeps_the_best_so_far",
    "test_training_run::test_ctrl_c_pressed_twice_stops_at_once",
    "test_training_run::test_ctrl_c_while_a_library_is_imported_keeps_the_best_so_far",
    "test_training_run::test_losses_are_written_for_tensorboard",
    "test_training_run::test_the_same_seed_gives_the_same_weights",
    "test_training_run::test_too_few_digits_are_refused",
    "test_training_run::test_training_reports_every_epoch",
}


def skip_without_tensorflow(items: list[pytest.Item]) -> None:
    """Mark the tests that cannot run on this machine."""
    if find_spec("tensorflow") is not None:
        return
    for item in items:
        module, name = item.path.stem, item.name.partition("[")[0]
        if {module, f"{module}::{name}"} & TENSORFLOW:
            item.add_marker(pytest.mark.skip(reason="needs TensorFlow"))
