/// The files that are built in, byte for byte `deploy/policy.yml` and `provider_costs.yml`, to which the links in
/// `Defaults/` point.
enum Defaults {
  static var policy: String { String(decoding: PackageResources.policy_yml, as: UTF8.self) }
  static var prices: String { String(decoding: PackageResources.provider_costs_yml, as: UTF8.self) }
}
