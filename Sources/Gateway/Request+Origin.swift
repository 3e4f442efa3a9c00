import HTTPTypes
import Hummingbird

/// Where a request comes from, as far as its fields tell. Proxies and browsers write these; a program may write what it
/// likes, and gains nothing by it.
extension Request {
  /// Whether a proxy says that it sends this on for somebody.
  var isPassedOn: Bool {
    headers.contains { field in
      let name = field.name.canonicalName
      return ["forwarded", "via", "x-real-ip"].contains(name) || name.hasPrefix("x-forwarded-")
    }
  }

  /// Whether a proxy says that it was asked over HTTPS.
  var isPassedOnFromHTTPS: Bool {
    headers.contains { field in
      switch field.name.canonicalName {
      case "x-forwarded-proto": field.value.lowercased().hasPrefix("https")
      case "forwarded": field.value.lowercased().contains(/proto="?https/)
      default: false
      }
    }
  }

  /// Whether a page of this very gateway sent it, or no page at all; true for what a browser shows when somebody follows a
  /// link, because nothing is changed by that.
  var isOfThisSite: Bool {
    let site = headers[.secFetchSite]
    if site == "same-origin" { return true }
    if let origin = headers[.origin] {
      let parts = origin.split(separator: "/", omittingEmptySubsequences: true)
      return parts.count == 2 && parts[1].lowercased() == head.authority?.lowercased()
    }
    return site == nil || site == "none" || method == .get || method == .head
  }
}
