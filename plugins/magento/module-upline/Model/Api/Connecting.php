<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Framework\Exception\InputException;
use Upline\Commission\Api\ConnectionInterface;
use Upline\Commission\Api\Data\StatusInterface;
use Upline\Commission\Domain\Site;
use Upline\Commission\Model\Clock;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Data\Status as StatusData;
use Upline\Commission\Model\Sequence;
use Upline\Commission\Model\Status;
use Upline\Commission\Model\Told;

/**
 * @inheritDoc
 */
class Connecting implements ConnectionInterface
{
    /**
     * @param Connection $connection
     * @param Status $status
     * @param Sequence $sequence
     * @param Told $told
     * @param Clock $clock
     * @param Caller $caller
     */
    public function __construct(
        private readonly Connection $connection,
        private readonly Status $status,
        private readonly Sequence $sequence,
        private readonly Told $told,
        private readonly Clock $clock,
        private readonly Caller $caller
    ) {
    }

    /**
     * @inheritDoc
     */
    public function open(
        string $server,
        string $storeId,
        string $secret,
        string $identityKey,
        string $webhookUrl,
        string $apiUrl,
        string $site = '',
        string $referenceParameter = 'ref',
        int $aboveSequence = 0,
        int $websiteId = 0
    ): StatusInterface {
        foreach (['server' => $server, 'webhook_url' => $webhookUrl, 'api_url' => $apiUrl] as $name => $url) {
            if (Site::name($url) === '' || preg_match('#^https?://#', $url) !== 1) {
                throw new InputException(__('%1: give an address that begins with https://', $name));
            }
        }
        if ($storeId === '' || strlen($secret) < 8 || $websiteId < 0 || $aboveSequence < 0) {
            throw new InputException(
                __('store_id and secret have to be there; website_id and above_sequence are from 0')
            );
        }
        $connection = $this->connection->of($websiteId);
        $own = $this->caller->connection();
        if ($own->websiteId() !== 0 && $own->websiteId() !== $websiteId) {
            throw new InputException(__('website_id: this integration is that of website %1', $own->websiteId()));
        }
        if ($connection->get('server') . ' ' . $connection->get('store_id') !== $server . ' ' . $storeId) {
            $this->told->forget();
        }
        $this->sequence->raise(max($aboveSequence, $this->clock->now()));
        $connection->open(array_filter([
            'server' => rtrim($server, '/'),
            'store_id' => $storeId,
            'secret' => $secret,
            'identity_key' => $identityKey,
            'webhook_url' => $webhookUrl,
            'api_url' => rtrim($apiUrl, '/'),
            'reference_parameter' => preg_match('/^[A-Za-z0-9_-]{1,32}$/D', $referenceParameter) === 1
                ? $referenceParameter
                : 'ref',
            'site' => Site::told($site),
        ], static fn (string $value): bool => $value !== ''));
        return $this->answer($connection);
    }

    /**
     * @inheritDoc
     */
    public function status(): StatusInterface
    {
        return $this->answer($this->caller->connection());
    }

    /**
     * How the module stands.
     *
     * @param Connection $connection
     * @return StatusInterface
     */
    private function answer(Connection $connection): StatusInterface
    {
        return new StatusData(array_merge($this->status->facts(), $this->status->ofConnection($connection)));
    }
}
