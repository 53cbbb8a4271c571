"""In the image, as /etc/jupyter/jupyter_server_config.py: the team's bucket is a drive."""

from fairihub_spawner.drive import configure

configure(get_config())  # noqa: F821
