"""Where images come from: uploads, folders, cameras, videos."""
