import Redis

/// The Lua scripts, read from `Scripts/` at build time. Their headers say what goes in and what comes out.
enum AdmissionScripts {
  static let admit = script("admit", PackageResources.admit_lua)
  static let renew = script("renew", PackageResources.renew_lua)
  static let advance = script("advance", PackageResources.advance_lua)
  static let finish = script("finish", PackageResources.finish_lua)
  static let declareUnknown = script("declare_unknown", PackageResources.declare_unknown_lua)
  static let openEpoch = script("open_epoch", PackageResources.open_epoch_lua)

  private static func script(_ name: String, _ source: [UInt8]) -> RedisScript {
    RedisScript(name: name, source: String(decoding: source, as: UTF8.self))
  }
}
