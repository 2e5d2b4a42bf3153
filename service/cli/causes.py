"""What stood in the way, and what to do about it, in Korean and English: one sentence a cause."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.causes import Cause, Diagnosis
from service.domain.messages import Language

CAUSES: Mapping[Cause, Mapping[Language, str]] = {
    Cause.URL_INVALID: {
        "ko": "FACE_DATABASE_URL이 postgresql://사용자@호스트/데이터베이스 형식이 아닙니다. "
        "비밀번호의 특수 문자는 %40처럼 적어 주세요.",
        "en": "FACE_DATABASE_URL is not of the form postgresql://user@host/database. "
        "Write special characters of a password as %40 is written for @.",
    },
    Cause.OPTION_UNKNOWN: {
        "ko": "FACE_DATABASE_URL의 옵션 {option}은(는) 없습니다. 가장 가까운 것: {nearest}.",
        "en": "FACE_DATABASE_URL has the option {option}, which there is not. The nearest: {nearest}.",
    },
    Cause.OPTION_INVALID: {
        "ko": "FACE_DATABASE_URL의 옵션 {option}의 값이 올바르지 않습니다.",
        "en": "The value of the option {option} in FACE_DATABASE_URL is not valid.",
    },
    Cause.PASSWORD_FILE_UNUSABLE: {
        "ko": "FACE_DATABASE_PASSWORD_FILE을 읽을 수 없습니다: {path}: {reason}",
        "en": "FACE_DATABASE_PASSWORD_FILE cannot be read: {path}: {reason}",
    },
    Cause.HOST_UNKNOWN: {
        "ko": "데이터베이스 호스트 {host}의 주소를 찾을 수 없습니다. 이름과 DNS를 확인해 주세요.",
        "en": "No address is known for the database host {host}. Check its name and the DNS.",
    },
    Cause.PORT_CLOSED: {
        "ko": "{server}에서 연결을 받는 서버가 없습니다. PostgreSQL이 켜져 있는지, 포트와 "
        "listen_addresses가 맞는지 확인해 주세요.",
        "en": "Nobody listens at {server}. Check that PostgreSQL runs, and its port and "
        "listen_addresses.",
    },
    Cause.SERVER_UNREACHABLE: {
        "ko": "{server}에 닿을 수 없습니다: {reason}",
        "en": "{server} cannot be reached: {reason}",
    },
    Cause.NO_ANSWER: {
        "ko": "데이터베이스 서버가 제때 응답하지 않았습니다. 주소와 방화벽을 확인해 주세요.",
        "en": "The database server did not answer in time. Check its address and the firewalls.",
    },
    Cause.NOT_POSTGRESQL: {
        "ko": "{server}에서 응답한 것은 PostgreSQL이 아닙니다. 포트를 확인해 주세요.",
        "en": "What answers at {server} is no PostgreSQL. Check the port.",
    },
    Cause.CONNECTION_LOST: {
        "ko": "데이터베이스와의 연결이 끊어졌습니다. PostgreSQL의 로그를 확인해 주세요.",
        "en": "The connection to the database broke off. See PostgreSQL's log.",
    },
    Cause.TLS_REFUSED: {
        "ko": "{server}의 서버는 TLS를 사용하지 않습니다. 서버에서 ssl=on으로 켜 주세요. "
        "sslmode를 낮추면 비밀번호와 데이터가 암호화되지 않습니다.",
        "en": "The server at {server} does not speak TLS. Switch it on there (ssl=on); with a "
        "weaker sslmode, password and data cross the network in plain text.",
    },
    Cause.TLS_FAILED: {
        "ko": "TLS 연결에 실패했습니다: {reason}",
        "en": "TLS failed: {reason}",
    },
    Cause.CERTIFICATE_REFUSED: {
        "ko": "{server}의 인증서를 믿을 수 없습니다. 만료되었거나, sslrootcert에 있는 인증 기관이 "
        "발급한 것이 아닙니다.",
        "en": "The certificate of {server} is not trusted: it has expired, or no authority in "
        "sslrootcert vouches for it.",
    },
    Cause.CERTIFICATE_OF_ANOTHER_HOST: {
        "ko": "인증서가 다른 호스트의 것입니다: {reason}",
        "en": "The certificate is another host's: {reason}",
    },
    Cause.AUTHORITY_MISSING: {
        "ko": "인증 기관 파일 {path}이(가) 없습니다. sslrootcert에 파일을 지정하거나 "
        "sslrootcert=system을 사용해 주세요.",
        "en": "There is no file {path} with authorities. Name one by sslrootcert, or use "
        "sslrootcert=system.",
    },
    Cause.PASSWORD_MISSING: {
        "ko": "서버가 비밀번호를 요구합니다. FACE_DATABASE_PASSWORD_FILE을 지정해 주세요. "
        "PGPASSFILE은 권한이 0600이어야 읽힙니다.",
        "en": "The server wants a password: set FACE_DATABASE_PASSWORD_FILE. A PGPASSFILE is read "
        "only where its mode is 0600.",
    },
    Cause.PASSWORD_WRONG: {
        "ko": "사용자 {role}의 비밀번호가 맞지 않거나, 그런 사용자가 없습니다.",
        "en": "The password of {role} is wrong, or there is no such role.",
    },
    Cause.NOT_ADMITTED: {
        "ko": "서버의 pg_hba.conf가 이 연결을 받아들이지 않습니다: {said}",
        "en": "The server's pg_hba.conf does not admit this connection: {said}",
    },
    Cause.ROLE_UNKNOWN: {
        "ko": "데이터베이스에 로그인할 수 있는 사용자 {role}이(가) 없습니다.",
        "en": "The server has no role {role} that may log in.",
    },
    Cause.DATABASE_UNKNOWN: {
        "ko": "데이터베이스 {database}이(가) 없습니다. CREATE DATABASE로 만들거나 이름을 고쳐 주세요.",
        "en": "There is no database {database}. Make it by CREATE DATABASE, or mend its name.",
    },
    Cause.RIGHT_MISSING: {
        "ko": "데이터베이스 사용자에게 권한이 없습니다: {said}. docs/roles.md에 있는 권한을 "
        "소유자로 부여해 주세요.",
        "en": "The database role lacks a right: {said}. Grant it, as the owner, what docs/roles.md "
        "lists.",
    },
    Cause.TOO_MANY_CONNECTIONS: {
        "ko": "데이터베이스의 연결 수가 한도에 이르렀습니다. max_connections나 사용자의 "
        "CONNECTION LIMIT을 늘려 주세요. 서버 프로세스 하나가 20개까지 사용합니다.",
        "en": "The database has no connection left. Raise max_connections, or the role's CONNECTION "
        "LIMIT: each process of a server takes up to 20.",
    },
    Cause.DISK_FULL: {
        "ko": "데이터베이스의 디스크가 가득 찼습니다. 공간을 비운 뒤 다시 실행해 주세요.",
        "en": "The database's disk is full. Make room and run this again.",
    },
    Cause.STATEMENT_TIMEOUT: {
        "ko": "명령이 데이터베이스의 제한 시간(statement_timeout)을 넘었습니다. 사용자나 데이터베이스에 "
        "설정된 값을 확인해 주세요.",
        "en": "A statement took longer than the database allows (statement_timeout). See what is set "
        "for the role and the database.",
    },
    Cause.LOCK_TIMEOUT: {
        "ko": "다른 작업이 잠그고 있어 기다리다 멈췄습니다. 잠시 뒤 다시 실행해 주세요.",
        "en": "Something else holds what this waited for. Run it again shortly.",
    },
    Cause.SESSION_TIMEOUT: {
        "ko": "데이터베이스가 제한 시간(idle_in_transaction_session_timeout, transaction_timeout)에 "
        "연결을 끊었습니다. 사용자나 데이터베이스에 설정된 값을 확인해 주세요.",
        "en": "The database ended the connection by a time limit "
        "(idle_in_transaction_session_timeout, transaction_timeout). See what is set for the role "
        "and the database.",
    },
    Cause.READ_ONLY: {
        "ko": "읽기 전용 데이터베이스입니다. 복제본인지, default_transaction_read_only가 켜져 있는지 "
        "확인해 주세요.",
        "en": "The database is read-only: a replica, or default_transaction_read_only is on.",
    },
    Cause.SERVER_STARTING_OR_STOPPING: {
        "ko": "데이터베이스 서버가 시작하거나 멈추는 중입니다. 잠시 뒤 다시 실행해 주세요.",
        "en": "The database server is starting or stopping. Run this again shortly.",
    },
    Cause.SERVER_SAID: {
        "ko": "데이터베이스 서버의 응답: {said}",
        "en": "The database server says: {said}",
    },
    Cause.POSTGRESQL_TOO_OLD: {
        "ko": "PostgreSQL {version}은(는) 오래되었습니다. {needed} 이상이 필요합니다.",
        "en": "PostgreSQL {version} is too old: {needed} or newer is needed.",
    },
    Cause.ENCODING_NOT_UTF8: {
        "ko": "데이터베이스의 인코딩이 {encoding}입니다. CREATE DATABASE … ENCODING 'UTF8' TEMPLATE "
        "template0으로 새로 만들어 주세요.",
        "en": "The database's encoding is {encoding}. Make a new one by CREATE DATABASE … ENCODING "
        "'UTF8' TEMPLATE template0.",
    },
    Cause.EXTENSION_UNAVAILABLE: {
        "ko": "서버에 pgvector가 설치되어 있지 않습니다. 서버의 관리자가 패키지를 설치해야 합니다 "
        "(postgresql-18-pgvector 등).",
        "en": "pgvector is not installed on the server. Whoever runs the server has to install its "
        "package, such as postgresql-18-pgvector.",
    },
    Cause.EXTENSION_MISSING: {
        "ko": "데이터베이스 {database}에 pgvector가 없고, {role}은(는) 만들 수 없습니다. 슈퍼유저로 "
        "그 데이터베이스에서 CREATE EXTENSION vector를 실행해 주세요.",
        "en": "The database {database} lacks pgvector, and {role} may not create it. Run CREATE "
        "EXTENSION vector in it as a superuser.",
    },
    Cause.EXTENSION_TOO_OLD: {
        "ko": "pgvector {version}은(는) 오래되었습니다. {needed} 이상이 필요합니다. 패키지를 갱신한 뒤 "
        "ALTER EXTENSION vector UPDATE를 실행해 주세요.",
        "en": "pgvector {version} is too old: {needed} or newer is needed. Update its package, then "
        "run ALTER EXTENSION vector UPDATE.",
    },
    Cause.EXTENSION_ELSEWHERE: {
        "ko": "pgvector가 스키마 {schema}에 있지만 {role}의 search_path에는 없습니다. "
        'ALTER ROLE "{role}" SET search_path = public, {schema}를 실행해 주세요.',
        "en": "pgvector is in the schema {schema}, which is not on the search_path of {role}. Run "
        'ALTER ROLE "{role}" SET search_path = public, {schema}.',
    },
    Cause.BACKUP_OF_NEWER_SERVER: {
        "ko": "백업은 {product} {backup}에서 만들었고, 이 서버는 {server}입니다.",
        "en": "The backup is of {product} {backup}, and this server has {server}.",
    },
    Cause.ROLES_MISSING: {
        "ko": "먼저 이 사용자들을 만들어 주세요: {roles}",
        "en": "Create these roles first: {roles}",
    },
    Cause.NOT_OWNER: {
        "ko": "이 데이터베이스 사용자는 모든 테이블을 읽을 수 없습니다. 테이블의 소유자로 실행해 주세요.",
        "en": "This database role may not read every table. Run this as their owner.",
    },
    Cause.DUMP_PROGRAM_MISSING: {
        "ko": "서버가 PostgreSQL {server}입니다. 같은 버전의 {program}을(를) 설치해 주세요.",
        "en": "The server is PostgreSQL {server}. Install a {program} of that version.",
    },
    Cause.DUMP_PROGRAM_WITHOUT_TLS: {
        "ko": "데이터베이스와의 연결은 암호화되어 있지만 내장 {program}은(는) TLS를 지원하지 않습니다. "
        "PostgreSQL {server}의 클라이언트 프로그램을 설치해 주세요.",
        "en": "The connection to the database is encrypted, and the embedded {program} speaks no TLS. "
        "Install the client programs of PostgreSQL {server}.",
    },
    Cause.PROGRAM_FAILED: {
        "ko": "내장 데이터베이스의 {program}이(가) 실패했습니다: {said}",
        "en": "{program} of the embedded database failed: {said}",
    },
    Cause.FOLDER_READ_ONLY: {
        "ko": "{path}이(가) 있는 디스크는 읽기 전용입니다. 쓸 수 있는 폴더를 FACE_DATA_DIR로 지정해 주세요.",
        "en": "The disk of {path} is read-only. Name a folder that can be written by FACE_DATA_DIR.",
    },
    Cause.FOLDER_CLOSED: {
        "ko": "사용자 {user}에게 {path}에 쓸 권한이 없습니다. 권한을 주거나 다른 폴더를 FACE_DATA_DIR로 지정해 주세요.",
        "en": "{user} may not write to {path}. Grant it, or name another folder by FACE_DATA_DIR.",
    },
    Cause.FOLDER_UNUSABLE: {
        "ko": "{path}을(를) 사용할 수 없습니다: {reason}",
        "en": "{path} cannot be used: {reason}",
    },
    Cause.FOLDER_OF_ANOTHER_USER: {
        "ko": "{path}의 데이터베이스는 사용자 {owner}의 것이고, 지금은 {user}(으)로 실행됩니다. {owner}(으)로 실행하거나 "
        "chown -R {user} {path}로 넘겨주세요.",
        "en": "The database in {path} belongs to {owner}, and this runs as {user}. Run it as {owner}, or "
        "hand it over: chown -R {user} {path}",
    },
    Cause.FOLDER_OF_ANOTHER_VERSION: {
        "ko": "{path}의 데이터베이스는 PostgreSQL {found}의 것이고, 내장된 것은 {version}입니다. 이전 버전의 서비스에서 "
        "`face backup`을, 새 FACE_DATA_DIR에서 `face restore`를 실행해 주세요.",
        "en": "The database in {path} is of PostgreSQL {found}, and the embedded one is {version}. Run `face "
        "backup` with the version of the service that made it, then `face restore` with a new FACE_DATA_DIR.",
    },
    Cause.FOLDER_IS_NO_DATABASE: {
        "ko": "{path}은(는) 비어 있지 않지만 데이터베이스가 아니거나 손상되었습니다. 아무것도 바꾸지 않았습니다. 백업을 "
        "새 FACE_DATA_DIR에 복원하거나 다른 폴더를 지정해 주세요.",
        "en": "{path} is not empty, and no database or a damaged one. Nothing was changed. Restore a backup "
        "into a new FACE_DATA_DIR, or name another folder.",
    },
    Cause.SERVER_SILENT: {
        "ko": "{path}의 데이터베이스 서버가 켜져 있지만 {seconds}초 동안 연결을 받지 않았습니다. 복구하는 중일 수 있습니다. "
        "그 폴더의 log를 확인하고 잠시 뒤 다시 실행해 주세요.",
        "en": "A database server runs in {path} and took no connection for {seconds} s. It may be recovering: "
        "see the log in that folder, and run this again shortly.",
    },
    Cause.SERVER_MOVED: {
        "ko": "내장 데이터베이스를 다시 시작했지만 주소가 바뀌었습니다. 서비스를 다시 시작해 주세요.",
        "en": "The embedded database was started again at another address. Start the service again.",
    },
    Cause.FOLDER_IN_USE: {
        "ko": "다른 프로세스가 {seconds}초가 넘도록 데이터베이스를 시작하거나 멈추고 있습니다: {path}. 멈춰 있는 face "
        "프로세스가 있는지 확인해 주세요.",
        "en": "Another process has been starting or stopping the database for more than {seconds} s: {path}. "
        "Look for a `face` that hangs.",
    },
    Cause.KEY_SERVICE_SAID: {
        "ko": "AWS KMS의 응답: {said}. 키, 권한(kms:Encrypt, kms:Decrypt), 리전, 주소를 확인해 주세요.",
        "en": "AWS KMS says: {said}. Check the key, the permissions kms:Encrypt and kms:Decrypt, "
        "region and address.",
    },
    Cause.KEY_FILE_MISSING: {
        "ko": "마스터 키 파일 {path}이(가) 없습니다.",
        "en": "There is no master key file {path}.",
    },
    Cause.KEY_FILE_UNREADABLE: {
        "ko": "마스터 키 파일 {path}을(를) 읽을 수 없습니다: {reason}",
        "en": "The master key file {path} cannot be read: {reason}",
    },
    Cause.KEY_EMPTY: {
        "ko": "{source}: 비어 있습니다. 백업해 둔 마스터 키를 넣어 주세요.",
        "en": "{source}: empty. Put the master key there that you have a copy of.",
    },
    Cause.KEY_MALFORMED: {
        "ko": "{source}: base64가 아닙니다. 마스터 키는 base64로 적은 32바이트입니다.",
        "en": "{source}: not base64. A master key is 32 bytes in base64.",
    },
    Cause.KEY_OF_WRONG_LENGTH: {
        "ko": "{source}: {size}바이트입니다. 마스터 키는 base64로 적은 32바이트입니다.",
        "en": "{source}: {size} bytes. A master key is 32 bytes in base64.",
    },
    Cause.KEY_OF_ANOTHER_DATABASE: {
        "ko": "이 마스터 키로는 데이터베이스에 저장된 키가 열리지 않습니다. 다른 데이터베이스의 키이거나, 저장된 키가 "
        "변경되었습니다. 이 데이터베이스를 만들 때의 키나 `face keys rewrap`으로 바꾼 키를 지정해 주세요.",
        "en": "The keys in this database do not open with this master key: it is another database's, or "
        "they were altered. Name the key that the database was made with, or the one of `face keys rewrap`.",
    },
    Cause.KEY_LOST: {
        "ko": "{path}이(가) 없는데 데이터베이스에는 그 키로 잠근 데이터가 있습니다. 새 키로는 열 수 없으므로 만들지 "
        "않았고, 아무것도 쓰지 않았습니다. 백업해 둔 키를 그 자리에 돌려놓거나 FACE_MASTER_KEY_FILE로 지정해 주세요.",
        "en": "{path} is gone, and the database holds what was sealed under it. A new key would not open "
        "that, so none was made and nothing was written. Put your copy of the key back there, or name it by "
        "FACE_MASTER_KEY_FILE.",
    },
    Cause.BULK_FILE_EMPTY: {
        "ko": "파일이 비어 있습니다. 첫 줄에는 항목 이름이, 다음 줄부터는 한 줄에 한 사람이 있어야 합니다.",
        "en": "The file is empty. Its first line must name the fields, and each line after it is a person.",
    },
    Cause.BULK_FILE_WITHOUT_HEAD: {
        "ko": "첫 줄이 CSV의 머리글이 아닙니다. subjectId,images처럼 항목 이름을 적어 주세요.",
        "en": "The first line is no head of a CSV file. Name the fields there, as in subjectId,images.",
    },
    Cause.BULK_FILE_IN_UTF_16: {
        "ko": "UTF-16으로 저장된 파일입니다. 엑셀에서 'CSV UTF-8(쉼표로 분리)'로 다시 저장해 주세요.",
        "en": "The file is UTF-16. Save it again as `CSV UTF-8 (comma delimited)`.",
    },
    Cause.BULK_FILE_DAMAGED: {
        "ko": "온전한 {format} 파일이 아닙니다: {reason}",
        "en": "It is no whole {format} file: {reason}",
    },
    Cause.BULK_FORMAT_UNKNOWN: {
        "ko": "파일 이름으로 형식을 알 수 없습니다. 이름이 {known} 중 하나로 끝나야 합니다.",
        "en": "The file's name does not tell its format. It must end in one of {known}.",
    },
}


def cause_text(diagnosis: Diagnosis, language: Language) -> str:
    return CAUSES[diagnosis.cause][language].format_map(dict(diagnosis.values))
