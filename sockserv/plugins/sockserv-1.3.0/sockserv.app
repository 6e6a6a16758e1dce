{application, sockserv,
 [{description, "Heroes over a socket: a name, six stats, and the story as it happens"},
  {vsn, "1.3.0"},
  {modules, [sockserv, sockserv_sup, sockserv_serv, sockserv_pq_events, sockserv_trans]},
  {registered, [sockserv_sup]},
  {applications, [stdlib, kernel, processquest]},
  {mod, {sockserv, []}},
  {env, [{port, 8082}]}]}.
