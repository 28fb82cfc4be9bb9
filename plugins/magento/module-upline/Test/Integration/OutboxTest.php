<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Integration;

use Magento\Framework\App\ResourceConnection;
use Magento\Sales\Api\OrderRepositoryInterface;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Sender;

/**
 * Orders saved by a real Magento leave their pointers in the outbox, in the orders' own transaction.
 *
 * @magentoDbIsolation disabled
 * @magentoAppArea frontend
 */
class OutboxTest extends TestCase
{
    use Connected;

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     */
    public function testASavedOrderIsNoted(): void
    {
        $order = $this->order();
        $id = (int) $order->getId();
        $this->assertSame([], $this->outbox($id), 'A shop that is not connected notes nothing.');
        $this->connect();
        $this->make(OrderRepositoryInterface::class)->save($order->setCustomerNote('changed'));
        $rows = $this->outbox($id);
        $this->assertCount(1, $rows);
        $this->assertSame(Outbox::UPDATED, $rows[0]['reason']);
        $this->assertSame(Outbox::PENDING, $rows[0]['status']);
        $this->assertSame('1', (string) $rows[0]['website_id']);
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     */
    public function testARolledBackOrderLeavesNothing(): void
    {
        $this->connect();
        $order = $this->order();
        $connection = $this->make(ResourceConnection::class)->getConnection('sales');
        $connection->beginTransaction();
        $this->make(OrderRepositoryInterface::class)->save($order->setCustomerNote('changed'));
        $this->assertCount(1, $this->outbox((int) $order->getId()));
        $connection->rollBack();
        $this->assertSame([], $this->outbox((int) $order->getId()));
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     * @magentoConfigFixture base_website upline_commission/general/enabled 0
     */
    public function testTheOffSwitchOfAWebsite(): void
    {
        $this->connect();
        $order = $this->order();
        $this->make(OrderRepositoryInterface::class)->save($order->setCustomerNote('changed'));
        $this->assertSame([], $this->outbox((int) $order->getId()));
    }

    /**
     * @magentoDataFixture Magento/Sales/_files/order.php
     */
    public function testAServerThatDoesNotAnswerCostsNoRow(): void
    {
        $this->connect();
        $order = $this->order();
        $this->make(OrderRepositoryInterface::class)->save($order->setCustomerNote('changed'));
        $this->assertSame(0, $this->make(Sender::class)->drain(5.0));
        $rows = $this->outbox((int) $order->getId());
        $this->assertCount(1, $rows);
        $this->assertSame(Outbox::PENDING, $rows[0]['status']);
        $this->assertSame('1', (string) $rows[0]['attempts']);
        $this->assertStringStartsWith('no answer', (string) $rows[0]['error']);
        $this->assertGreaterThan(time(), (int) $rows[0]['next_attempt_at']);
    }
}
