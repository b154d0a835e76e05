"""The estimate of the final crash rate: how often its band contains that rate."""

from worlds import bench

AGES = (1, 3, 6, 12, 24, 48, 72)
KINDS = {"": "", "together_": ", a user's crashes reported together",
         "falling_": ", a rate that falls to a third"}


def estimate(report, worlds, nginx, settings):
    """How often the estimate's band contains the final rate, with late crashes."""
    figures = bench("estimate")
    for prefix, kind in KINDS.items():
        for age in AGES:
            own = {key.removeprefix(f"{prefix}{age}h_"): value for key, value in figures.items()
                   if key.startswith(f"{prefix}{age}h_")}
            report.add(f"{age} h: the band holds the final rate{kind}, %", own["coverage"] * 100,
                       ">= 95", own)
            report.add(f"{age} h: reported so far, and estimated, of all crashes{kind}, %",
                       f"{own['reported'] * 100:.0f}, {own['estimated'] * 100:.0f}", "", own)
