package import API
package import HTTP
package import Storage

/// Notification channels, and the history of their notifications.
package struct NoticeActions: Sendable {
  private let notices: NoticeSender
  private let random: @Sendable () -> UInt128

  package init(notices: NoticeSender, random: @escaping @Sendable () -> UInt128) {
    self.notices = notices
    self.random = random
  }

  func channels(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    return { () throws(StoreError) in
      let channels = try notices.store.channels(of: organization.id)
      return .list(channels) { NoticeJSON.write($1, to: &$0) }
    }
  }

  func channel(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try withChannel(call) { channel in .json { NoticeJSON.write(channel, to: &$0) } }
  }

  func create(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let form = try call.json(ChannelForm.self)
    let secret = NewSecret.channel((random(), random()))
    switch check(form, call, newSecret: secret) {
    case .failure(let errors): return { errors.response }
    case .success(let (name, settings)):
      return { () throws(StoreError) in
        try namedOnce { () throws(StoreError) in
          let channel = try notices.store.createChannel(
            organization: organization.id, name: name, kind: settings.kind,
            settings: settings.stored, at: call.now)
          let isNew = settings.kind == .webhook && form.secret == nil
          return .json(status: 201) {
            NoticeJSON.write(channel, secret: isNew ? secret : nil, to: &$0)
          }
        }
      }
    }
  }

  /// Changes a channel; members that the body omits stay as they are.
  func update(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let form = try call.json(ChannelForm.self)
    return try withChannel(call) { (channel) throws(StoreError) in
      if let kind = form.kind, kind != channel.kind.rawValue {
        let reason =
          "It is \(channel.kind.rawValue), and stays so: make another channel for \(kind)."
        return FieldErrors("kind", reason).response
      }
      let whole = form.completed(by: channel, ChannelSettings(channel))
      switch check(whole, call, newSecret: "") {
      case .failure(let errors): return errors.response
      case .success(let (name, settings)):
        var channel = channel
        channel.name = name
        channel.settings = settings.stored
        return try namedOnce { () throws(StoreError) in
          try notices.store.updateChannel(channel)
            ? .json { NoticeJSON.write(channel, to: &$0) } : Response(.notFound)
        }
      }
    }
  }

  /// Deletes a channel and its notifications.
  func delete(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try withChannel(call) { (channel) throws(StoreError) in
      do throws(StoreError) {
        return try notices.store.deleteChannel(channel.id)
          ? Response(status: 204) : Response(.notFound)
      } catch {
        guard error.isRefusal else { throw error }
        return .failure(409, error.sentence)
      }
    }
  }

  /// Sends a test notification. The status is 200 even if the delivery fails; the answer says why.
  func test(_ call: APICall) throws(APIError) -> APIRoute.Work {
    try withChannel(call) { (channel) throws(StoreError) in
      try Self.answerToTest(of: channel, by: notices)
    }
  }

  package static func answerToTest(
    of channel: NoticeChannel, by sender: NoticeSender
  ) throws(StoreError) -> Response {
    guard let record = try sender.test(channel) else {
      return Response.failure(503, "too many tests are under way").adding(["Retry-After": "15"])
    }
    return .json { NoticeJSON.write(record, of: channel, to: &$0) }
  }

  static let noticesPerPage = 100

  func notices(_ call: APICall) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let parameters = QueryParameters(call.items)
    let page = try Page(parameters, sizeMax: Self.noticesPerPage)
    let chosen = parameters.one("channel")
    return { () throws(StoreError) in
      let store = notices.store
      let channels = Dictionary(
        try store.channels(of: organization.id).map { ($0.id, $0) }, uniquingKeysWith: { $1 })
      var number: Int64?
      if let chosen {
        number = channels.keys.first { String($0) == chosen }
        if number == nil {
          return Response(
            APIError.invalid("channel", chosen, accepted: "Give the id of a channel."))
        }
      }
      let found = try store.notices(
        of: organization.id, channel: number, offset: page.offset, limit: page.size + 1)
      let link = page.linkHeader(url: call.url, hasMore: found.count > page.size)
      return .list(found.prefix(page.size), headers: ["Link": link]) { json, record in
        guard let channel = channels[record.channel] else { return }
        NoticeJSON.write(record, of: channel, to: &json)
      }
    }
  }

  // MARK: Shared parts

  /// Work on the channel in the path, by id or by name.
  private func withChannel(
    _ call: APICall, _ body: @escaping @Sendable (NoticeChannel) throws(StoreError) -> Response
  ) throws(APIError) -> APIRoute.Work {
    let organization = try call.organization()
    let name = call.names["channel"] ?? ""
    return { () throws(StoreError) in
      let channels = try notices.store.channels(of: organization.id)
      let named = channels.first { String($0.id) == name } ?? channels.first { $0.name == name }
      guard let named else { return Response(.notFound) }
      return try body(named)
    }
  }

  private func check(
    _ form: ChannelForm, _ call: APICall, newSecret: String
  ) -> Result<(name: String, settings: ChannelSettings), FieldErrors> {
    var (name, settings, faults) = form.checked(newSecret: newSecret)
    if faults.isEmpty, let settings {
      guard let fault = notices.clients.fault(of: settings) else {
        return .success((name, settings))
      }
      faults = [fault]
    }
    var errors = FieldErrors()
    for fault in faults { errors.add(fault.field, fault.reason) }
    return .failure(errors)
  }

  /// Turns a name that is taken into a fault of the field.
  private func namedOnce(_ body: () throws(StoreError) -> Response) throws(StoreError) -> Response {
    do throws(StoreError) {
      return try body()
    } catch {
      guard error.isRefusal else { throw error }
      return FieldErrors("name", error.sentence).response
    }
  }

  // MARK: Routes

  private static let members = AcceptedNames.only(ChannelForm.members)

  package var routes: [APIRoute] {
    [
      APIRoute(
        "organizations/{organization}/notice-channels", .get(.only(), channels),
        .change(.post, Self.members, create)),
      APIRoute(
        "organizations/{organization}/notice-channels/{channel}", .get(.only(), channel),
        .change(.put, Self.members, update), .change(.delete, .only(), delete)),
      APIRoute(
        "organizations/{organization}/notice-channels/{channel}/test",
        .change(.post, .only(), waitsForOthers: true, test)),
      APIRoute(
        "organizations/{organization}/notices",
        .get(.only(["channel"] + AcceptedNames.pages), notices)),
    ]
  }
}
