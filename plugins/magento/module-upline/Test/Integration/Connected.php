<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Integration;

use Magento\Framework\App\ResourceConnection;
use Magento\Sales\Model\Order;
use Magento\TestFramework\Helper\Bootstrap;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\State;

/**
 * A shop that is connected to a server nobody listens at, and what the tests ask of it.
 */
trait Connected
{
    /**
     * Connects the shop.
     *
     * @return void
     */
    private function connect(): void
    {
        $this->make(Connection::class)->of(0)->open([
            'server' => 'http://127.0.0.1:9', 'store_id' => 'shop', 'secret' => 'ups_test', 'site' => 'http://localhost',
            'identity_key' => 'upi_test', 'webhook_url' => 'http://127.0.0.1:9/w', 'api_url' => 'http://127.0.0.1:9/a',
            'reference_parameter' => 'upl',
        ]);
    }

    /**
     * Leaves nothing behind: Magento's fixtures of orders are not within a transaction.
     *
     * @return void
     */
    protected function tearDown(): void
    {
        $resource = $this->make(ResourceConnection::class);
        foreach (['upline_outbox', 'upline_reference', 'upline_told', 'upline_state'] as $name) {
            $resource->getConnection('sales')->delete($resource->getTableName($name, 'sales'));
        }
        $this->make(State::class)->refresh();
        parent::tearDown();
    }

    /**
     * The order of Magento's own fixtures.
     *
     * @return Order
     */
    private function order(): Order
    {
        return Bootstrap::getObjectManager()->create(Order::class)->loadByIncrementId('100000001');
    }

    /**
     * The rows of the outbox of an order, oldest first.
     *
     * @param int $orderId
     * @return array<int, array<string, mixed>>
     */
    private function outbox(int $orderId): array
    {
        $resource = $this->make(ResourceConnection::class);
        $connection = $resource->getConnection('sales');
        $table = $resource->getTableName('upline_outbox', 'sales');
        return $connection->fetchAll(
            $connection->select()->from($table)->where('entity_id = ?', $orderId)->order('id ASC')
        );
    }

    /**
     * The shop's own object of a class.
     *
     * @template T of object
     * @param class-string<T> $class
     * @return T
     */
    private function make(string $class): object
    {
        return Bootstrap::getObjectManager()->get($class);
    }
}
