<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\Encryption\EncryptorInterface;
use Magento\Framework\UrlInterface;
use Magento\Store\Model\Store;
use Magento\Store\Model\StoreManagerInterface;
use Upline\Commission\Domain\Circuit;
use Upline\Commission\Domain\Site;

/**
 * The connection to one store at one Upline server. As injected it is that of all websites; at() gives the one that a
 * website has of its own, where it has one: websites may differ in base currency.
 */
class Connection
{
    public const NOT_CONNECTED = 'not_connected';
    public const ANOTHER_SITE = 'another_site';
    public const PAUSED = 'paused';
    public const CIRCUIT = 'circuit';

    /**
     * Remembers which integration of Magento calls for a connection.
     */
    public const INTEGRATION = 'integration_id';

    private const MEMBERS = [
        'server', 'store_id', 'webhook_url', 'api_url', 'reference_parameter', 'connected_at', 'site', 'base_url',
    ];
    private const SECRETS = ['secret', 'old_secret', 'identity_key'];

    /**
     * What is remembered of the running connection and ends with it.
     */
    private const RUNNING = [
        'failures', 'probe_at', 'paused_until', 'pause_reason', 'last_sent', 'last_failed', 'last_error',
        'clock_offset', 'last_heartbeat',
    ];

    /**
     * @var int
     */
    private int $websiteId = 0;

    /**
     * @param State $state
     * @param EncryptorInterface $encryptor
     * @param StoreManagerInterface $stores
     * @param Clock $clock
     */
    public function __construct(
        private readonly State $state,
        private readonly EncryptorInterface $encryptor,
        private readonly StoreManagerInterface $stores,
        private readonly Clock $clock
    ) {
    }

    /**
     * The connection that counts for a website: its own, else that of all.
     *
     * @param int $websiteId
     * @return self
     */
    public function at(int $websiteId): self
    {
        $own = $this->of($websiteId);
        return $own->isConnected() ? $own : $this->of(0);
    }

    /**
     * The connection kept for a website and no other, whether or not it is connected; 0 for that of all websites.
     *
     * @param int $websiteId
     * @return self
     */
    public function of(int $websiteId): self
    {
        $connection = clone $this;
        $connection->websiteId = $websiteId;
        return $connection;
    }

    /**
     * The connection that an integration of Magento was made for; that of all websites where it is not known.
     *
     * @param int $integrationId 0 for none
     * @return self
     */
    public function calledBy(int $integrationId): self
    {
        foreach ($this->state->websitesWith(self::INTEGRATION) as $id) {
            if ($integrationId > 0 && (int) $this->state->get($id, self::INTEGRATION) === $integrationId) {
                return $this->of($id);
            }
        }
        return $this->of(0);
    }

    /**
     * All there are. One whose website was deleted has no address any more, and must not stop the others.
     *
     * @return self[]
     */
    public function all(): array
    {
        $here = array_map(static fn ($website): int => (int) $website->getId(), $this->stores->getWebsites(true));
        $ids = array_intersect($this->state->websitesWith('store_id'), $here);
        return array_map(fn (int $id): self => $this->of($id), array_values($ids));
    }

    /**
     * The website it is kept for; 0 for all.
     *
     * @return int
     */
    public function websiteId(): int
    {
        return $this->websiteId;
    }

    /**
     * Whether a server was connected, be it to this shop or to the one that this is a copy of.
     *
     * @return bool
     */
    public function isConnected(): bool
    {
        return $this->get('store_id') !== '' && $this->state->get($this->websiteId, 'secret') !== null;
    }

    /**
     * One member: server, store_id, secret, old_secret, identity_key, webhook_url, api_url, reference_parameter,
     * connected_at (RFC 3339), site (as the server knows this shop), base_url (as it was when it was connected).
     *
     * @param string $name
     * @return string '' where there is none
     */
    public function get(string $name): string
    {
        $value = (string) $this->state->get($this->websiteId, $name);
        return $value !== '' && in_array($name, self::SECRETS, true) ? $this->encryptor->decrypt($value) : $value;
    }

    /**
     * The secrets that count, newest first.
     *
     * @return string[]
     */
    public function secrets(): array
    {
        return array_values(array_filter([$this->get('secret'), $this->get('old_secret')], 'strlen'));
    }

    /**
     * Keeps a new connection. What was remembered of the one before ends; the outbox stays.
     *
     * @param array<string, string> $members as in get(); base_url and connected_at are filled in
     * @return void
     */
    public function open(array $members): void
    {
        $this->state->set($this->websiteId, array_fill_keys(self::RUNNING, null));
        $this->change(array_merge(array_fill_keys(array_merge(self::MEMBERS, self::SECRETS), null), [
            'base_url' => $this->baseUrl(),
            'site' => Site::told($this->baseUrl()),
            'connected_at' => gmdate('Y-m-d\TH:i:s\Z', $this->clock->now()),
        ], $members));
    }

    /**
     * Changes members, for a rotation; null forgets one.
     *
     * @param array<string, string|null> $members as in get()
     * @return void
     */
    public function change(array $members): void
    {
        foreach ($members as $name => $value) {
            if ($value !== null && in_array($name, self::SECRETS, true)) {
                $members[$name] = $this->encryptor->encrypt($value);
            }
        }
        $this->state->set($this->websiteId, $members);
    }

    /**
     * Forgets the connection. The outbox stays.
     *
     * @return void
     */
    public function close(): void
    {
        $this->state->set($this->websiteId, array_fill_keys(
            array_merge(self::MEMBERS, self::SECRETS, self::RUNNING),
            null
        ));
    }

    /**
     * This installation's own id, made at its first use. The server checks with it whom it speaks to.
     *
     * @return string
     */
    public function installId(): string
    {
        $id = $this->state->get(0, 'install_id');
        if ($id === null) {
            $id = bin2hex(random_bytes(16));
            $this->state->set(0, ['install_id' => $id]);
        }
        return $id;
    }

    /**
     * What is remembered between requests: failures, probe_at, paused_until, pause_reason, last_sent, last_failed,
     * last_error, clock_offset, last_heartbeat, and whatever else was. Times are Unix seconds.
     *
     * @param string $name
     * @return string|null
     */
    public function state(string $name): ?string
    {
        return $this->state->get($this->websiteId, $name);
    }

    /**
     * Remembers; null forgets.
     *
     * @param array<string, string|int|null> $members
     * @return void
     */
    public function remember(array $members): void
    {
        $this->state->set($this->websiteId, $members);
    }

    /**
     * The circuit as it was remembered.
     *
     * @return Circuit
     */
    public function circuit(): Circuit
    {
        return new Circuit((int) $this->state('failures'), (int) $this->state('probe_at'));
    }

    /**
     * The base URL as it is now, of the website's default store view.
     *
     * @return string
     */
    public function baseUrl(): string
    {
        return (string) $this->store()->getBaseUrl(UrlInterface::URL_TYPE_WEB, true);
    }

    /**
     * The default store view of the website, or of the shop.
     *
     * @return Store
     */
    public function store(): Store
    {
        if ($this->websiteId === 0) {
            $store = $this->stores->getDefaultStoreView();
        } else {
            $group = $this->stores->getWebsite($this->websiteId)->getDefaultGroupId();
            $store = $this->stores->getGroup($group)->getDefaultStoreId();
        }
        return $store instanceof Store ? $store : $this->stores->getStore($store);
    }

    /**
     * Whether this is a copy of the connected shop, or it has moved.
     *
     * @return bool
     */
    public function isElsewhere(): bool
    {
        return $this->isConnected() && !Site::same($this->get('base_url'), $this->baseUrl());
    }

    /**
     * Why nothing is sent now.
     *
     * @return string '' or one of the constants
     */
    public function hindrance(): string
    {
        $now = $this->clock->now();
        return match (true) {
            !$this->isConnected() => self::NOT_CONNECTED,
            $this->isElsewhere() => self::ANOTHER_SITE,
            (int) $this->state('paused_until') > $now => self::PAUSED,
            !$this->circuit()->lets($now) => self::CIRCUIT,
            default => '',
        };
    }
}
