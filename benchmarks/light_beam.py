"""Beam that looks at flags and stages once: for tiny tables that takes longest."""

import weakref


def look_at_stages_once() -> None:
    """Has Beam read flags once a pipeline, and look for state once a kind of stage.

    It does both several times a stage.
    """
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.transforms import userstate

    view_as, views = PipelineOptions.view_as, weakref.WeakKeyDictionary()

    def view_once(options, kind):
        known = views.setdefault(options, {})
        if kind not in known:
            known[kind] = view_as(options, kind)
        return known[kind]

    look, specs = userstate.get_dofn_specs, {}

    def look_once(stage):
        if type(stage) not in specs:
            specs[type(stage)] = look(stage)
        return specs[type(stage)]

    PipelineOptions.view_as = view_once
    userstate.get_dofn_specs = look_once
