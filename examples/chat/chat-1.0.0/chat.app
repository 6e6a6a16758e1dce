{application, chat,
 [{description, "People in one conversation, by telnet"},
  {vsn, "1.0.0"},
  {modules, [chat, chat_sup, chat_topic, chat_sessions, chat_session]},
  {registered, [chat_sup, chat_topic, chat_sessions]},
  {applications, [kernel, stdlib]},
  {mod, {chat, []}}]}.
