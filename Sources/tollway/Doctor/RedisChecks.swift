import Contracts
import Redis

/// Is Redis there, will it keep what it is told, does its clock agree with this machine's.
struct RedisChecks {
  /// Scripts that read the time and then write need 5.0; nothing older is maintained.
  static let oldest = 6
  static let tolerableSkew = Duration.seconds(1)

  let wires: Wires
  let address: String

  func run(_ checkup: inout Checkup) async {
    do {
      let identity = try await wires.redis.connect()
      let text = "\(identity.product) \(identity.version) at \(address)"
      if identity.product == "redis",
        identity.version.split(separator: ".").first.flatMap({ Int($0) }) ?? 0 < Self.oldest
      {
        checkup.fail("Redis", text, "install Redis \(Self.oldest) or Valkey, or newer")
      } else {
        checkup.fine("Redis", text)
      }
      try await memory(&checkup)
      try await clock(&checkup)
      try await RoutingChecks(wires: wires).run(&checkup)
    } catch {
      checkup.fail("Redis", error)
    }
  }

  private func memory(_ checkup: inout Checkup) async throws {
    let text = try await wires.redis.command(RedisCommand("INFO").arg("memory")).string ?? ""
    let policy = Self.field("maxmemory_policy", in: text)
    guard let policy else {
      return checkup.warn(
        "Redis memory", "it does not tell its maxmemory-policy", "make sure it is noeviction, or leases may vanish")
    }
    guard policy == "noeviction" else {
      return checkup.fail(
        "Redis memory", "maxmemory-policy is \(policy): it may drop leases and limits",
        "redis-cli config set maxmemory-policy noeviction, and in redis.conf")
    }
    checkup.fine("Redis memory", "maxmemory-policy noeviction")
  }

  /// The half of the round trip is what cannot be known.
  private func clock(_ checkup: inout Checkup) async throws {
    let before = Wires.now()
    let reply = try await wires.redis.command(RedisCommand("TIME")).array ?? []
    let after = Wires.now()
    guard reply.count == 2, let seconds = reply[0].int, let microseconds = reply[1].int else {
      return checkup.fail("clock", "Redis answered TIME in an unknown form", "use Redis or Valkey")
    }
    let server = seconds * 1000 + microseconds / 1000
    let skew = server - (before.milliseconds + after.milliseconds) / 2
    guard skew.magnitude <= UInt64(Self.tolerableSkew.milliseconds) else {
      return checkup.fail(
        "clock", "Redis is \(skew) ms ahead of this machine", "synchronise both with NTP: timedatectl, chronyc tracking"
      )
    }
    checkup.fine("clock", "within \(max(1, skew.magnitude)) ms of Redis")
  }

  static func field(_ name: String, in info: String) -> String? {
    info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(name):") }.map {
      String($0.dropFirst(name.count + 1))
    }
  }
}
