"""The release gate: how often it is wrong, and how many sessions it needs."""

from worlds import bench


def gate(report, worlds, nginx, settings):
    """False verdicts of the release gate, over made-up roll-outs with a check every ten minutes."""
    figures = bench("gate")
    for bad, who, some, green in (("", "crashes", "a twentieth in loops", "99_9_drop_02"),
                                  ("failures_", "crashes and unhandled errors",
                                   "a fifth in loops", "99_drop_1")):
        report.add(f"false reds in {figures['roll_outs']:,.0f} roll-outs like the release before, "
                   f"{who}, upper bound of 95 %, %", figures[f"{bad}false_reds_upper"] * 100,
                   "<= 5", figures)
        for kind, what in (("", some), ("no_loops_", "no loops"),
                           ("heavy_loops_", "most by users in loops")):
            kind = bad + kind
            report.add(f"false greens with a release worse by the tolerated drop, {who}, {what}, "
                       "upper bound of 95 %, %", figures[f"{kind}false_greens_upper"] * 100, "<= 5")
            report.add(f"sessions until green, like before, {who}, {what}, median",
                       figures.get(f"{kind}green_{green}_median", "never"))
    for name, what, goal in (
            ("red_99_5_drop_0", "99.9 to 99.5 %, none tolerated", "<= 11,720"),
            ("red_99_5_drop_02", "99.9 to 99.5 %, 0.2 points tolerated", ""),
            ("red_99_0_drop_02", "99.9 to 99.0 %, 0.2 points tolerated", ""),
            ("red_99_5_drop_0_loops", "99.9 to 99.5 %, none tolerated, crashing users", ""),
            ("failures_red_97_drop_0", "failures, 99 to 97 %, none tolerated", ""),
            ("failures_red_97_drop_1", "failures, 99 to 97 %, 1 point tolerated", ""),
            ("failures_red_97_drop_0_loops", "failures, 99 to 97 %, none tolerated, users in loops",
             "")):
        report.add(f"sessions of each arm until red, {what}, median", figures[f"{name}_median"],
                   goal, {key: value for key, value in figures.items() if key.startswith(name)})
