import Redis

/// The Lua scripts, read from `Scripts/` at build time. Their headers say what goes in and what comes out. All begin with
/// the prelude and take the key prefix as their only key.
enum AdmissionScripts {
  static let admit = script("admit", PackageResources.admit_lua)
  static let renew = script("renew", PackageResources.renew_lua)
  static let advance = script("advance", PackageResources.advance_lua)
  static let finish = script("finish", PackageResources.finish_lua)
  static let declareUnknown = script("declare_unknown", PackageResources.declare_unknown_lua)
  static let openEpoch = script("open_epoch", PackageResources.open_epoch_lua)
  static let claim = script("claim", PackageResources.claim_lua)
  static let commit = script("commit", PackageResources.commit_lua)
  static let leave = script("leave", PackageResources.leave_lua)
  static let vacant = script("vacant", PackageResources.vacant_lua)
  static let adopt = script("adopt", PackageResources.adopt_lua)
  static let refuseBay = script("refuse_bay", PackageResources.refuse_bay_lua)
  static let offer = script("offer", PackageResources.offer_lua)
  static let hasten = script("hasten", PackageResources.hasten_lua)
  static let wake = script("wake", PackageResources.wake_lua)
  static let assert = script("assert", PackageResources.assert_lua)
  static let book = script("book", PackageResources.book_lua)
  static let moneyEpoch = script("money_epoch", PackageResources.money_epoch_lua)
  static let holdLock = script("hold_lock", PackageResources.hold_lock_lua)
  static let explain = script("explain", PackageResources.explain_lua)
  static let glance = script("glance", PackageResources.glance_lua)
  static let census = script("census", PackageResources.census_lua)
  static let lines = script("lines", PackageResources.lines_lua)
  static let breaker = script("breaker", PackageResources.breaker_lua)
  static let probe = script("probe", PackageResources.probe_lua)
  static let byHand = script("by_hand", PackageResources.by_hand_lua)
  static let continueAttempt = script("continue", PackageResources.continue_lua)
  static let rest = script("rest", PackageResources.rest_lua)
  static let parents = script("parents", PackageResources.parents_lua)
  static let inputs = script("inputs", PackageResources.inputs_lua)
  static let takeAsked = script("take_asked", PackageResources.take_asked_lua)
  static let cancel = script("cancel", PackageResources.cancel_lua)
  static let door = script("door", PackageResources.door_lua)
  static let key = script("key", PackageResources.key_lua)
  static let storeKeys = script("store_keys", PackageResources.store_keys_lua)

  private static func script(_ name: String, _ source: [UInt8]) -> RedisScript {
    RedisScript(name: name, source: String(decoding: PackageResources.prelude_lua + source, as: UTF8.self))
  }
}
