"""The command `doctor`."""

import click

from harness.cli.columns import columns
from harness.doctor import Finding, examine


@click.command(
    epilog="""\b
Examples:
  chroma-chaos doctor
  CHROMA_CHAOS_POSTGRES_BIN=/usr/lib/postgresql/16/bin chroma-chaos doctor
  CHROMA_CHAOS_TOXIPROXY=/opt/toxiproxy-server chroma-chaos doctor

\b
Exit codes: 0 all that a lab needs is there, 1 something of that is missing.
"""
)
def doctor() -> int:
    """Say which real part was found where, which version, and what to do about what is missing."""
    findings = examine()
    rows = [("part", "state", "version", "where"), *(_row(finding) for finding in findings)]
    click.echo(columns(rows))
    missing = [finding for finding in findings if finding.missing is not None]
    for finding in missing:
        click.echo(f"\n{finding.name}: {finding.missing}")
    return 1 if any(not finding.is_optional for finding in missing) else 0


def _row(finding: Finding) -> tuple[str, str, str, str]:
    absent = "not there" if finding.is_optional else "missing"
    state = absent if finding.missing else "found"
    return (finding.name, state, finding.version, finding.where)
