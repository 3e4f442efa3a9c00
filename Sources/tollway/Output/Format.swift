import ArgumentParser

/// How a listing is printed: aligned columns for people, JSON for programs.
enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }
