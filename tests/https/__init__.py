"""Hub and LMS over HTTPS with certificates of a private authority, as inside an institution's own network."""
