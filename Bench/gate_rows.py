"""The release gate: how often it is wrong, and how many sessions it needs."""

from worlds import bench


def gate(report, worlds, nginx, settings):
    """False verdicts of the release gate, over made-up roll-outs with a check every ten minutes."""
    figures = bench("gate")
    report.add(f"false reds in {figures['roll_outs']:,.0f} roll-outs like the release before, "
               "upper bound of 95 %, %", figures["false_reds_upper"] * 100, "<= 5", figures)
    for kind, what in (("", "a twentieth in loops"), ("no_loops_", "no loops"),
                       ("heavy_loops_", "most crashes by users in loops")):
        report.add(f"false greens with a release worse by the tolerated drop, {what}, "
                   "upper bound of 95 %, %", figures[f"{kind}false_greens_upper"] * 100, "<= 5")
        report.add(f"sessions until green, 99.9 % like before, {what}, median",
                   figures.get(f"{kind}green_99_9_drop_02_median", "never"))
    for name, what, goal in (
            ("red_99_5_drop_0", "99.9 to 99.5 %, none tolerated", "<= 11,720"),
            ("red_99_5_drop_02", "99.9 to 99.5 %, 0.2 points tolerated", ""),
            ("red_99_0_drop_02", "99.9 to 99.0 %, 0.2 points tolerated", ""),
            ("red_99_5_drop_0_loops", "99.9 to 99.5 %, none tolerated, crashing users", "")):
        report.add(f"sessions of each arm until red, {what}, median", figures[f"{name}_median"],
                   goal, {key: value for key, value in figures.items() if key.startswith(name)})
